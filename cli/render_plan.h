// Plans and reports of rollouts, as text and as the documents of product.md.
#pragma once

#include <string>
#include <vector>

#include "cli/terminal.h"
#include "core/json.h"
#include "deployers/plan.h"
#include "deployers/rollout.h"

namespace mlship {

// A readable diff: each object, its old and new text, the carriers first, the skipped ones last.
std::string plan_text(const Plan& plan, std::size_t width, const Style& style);
OrderedJson plan_document(const Plan& plan);

// `shown`: skipped rows that stand in the plan printed before; they are not repeated.
std::string report_text(const RolloutReport& report, const std::vector<Skipped>& shown, std::size_t width,
                        const Style& style);
OrderedJson report_document(const RolloutReport& report, const std::string& command);

std::string skipped_text(const std::vector<Skipped>& skipped, std::size_t width, const Style& style);
OrderedJson to_json(const std::vector<Skipped>& skipped);
// What every document says of an object.
OrderedJson to_json(const ObjectInfo& object);
OrderedJson to_json(const std::vector<ObjectResult>& results);
bool any_fell_short(const std::vector<Skipped>& skipped);

}  // namespace mlship
