#include "deployers/waves.h"

#include <algorithm>
#include <set>

#include <fmt/ranges.h>

namespace mlship {
namespace {

constexpr size_t widening = 4;  // each wave is that many times the one before it

bool share(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  return std::any_of(a.begin(), a.end(),
                     [&](const std::string& x) { return std::find(b.begin(), b.end(), x) != b.end(); });
}

// Who goes before whom.
class Graph {
 public:
  Graph(std::span<const Operation> operations, const ObjectRules& rules,
        const std::vector<std::vector<std::string>>& needs)
      : operations_(operations) {
    for (const auto& op : operations) traits_.push_back(traits_of(rules, op.object));
    for (const auto& traits : traits_) {
      after_.emplace_back(traits.after);
      if (traits.after.empty()) continue;
      for (const auto& op : operations) after_.back().saw(op.object);
    }
    for (size_t later = 0; later < operations.size(); ++later) {
      // Most objects of a large fleet wait for nothing.
      const bool waits = !traits_[later].reads.empty() || !traits_[later].after.empty() ||
                         (later < needs.size() && !needs[later].empty());
      for (size_t first = 0; waits && first < operations.size(); ++first) {
        if (first != later && precedes(first, later, needs)) before_[later].push_back(first);
      }
    }
  }

  // Layers: everything in one depends on earlier ones only.
  std::vector<Wave> layers() {
    for (size_t i = 0; i < operations_.size(); ++i) {
      std::vector<size_t> path;
      deepest(i, path);
    }
    std::vector<Wave> out;
    for (size_t i = 0; i < operations_.size(); ++i) {
      out.resize(std::max(out.size(), depth_.at(i) + 1));
      out[depth_.at(i)].push_back(i);
    }
    return out;
  }

  std::map<size_t, std::vector<size_t>> take() { return std::move(before_); }

 private:
  [[nodiscard]] bool precedes(size_t first, size_t later,
                              const std::vector<std::vector<std::string>>& needs) const {
    const ObjectInfo& object = operations_[first].object;
    if (share(traits_[first].writes, traits_[later].reads)) return true;
    if (after_[later].mean(object)) return true;
    if (operations_[first].target != operations_[later].target || later >= needs.size()) return false;
    return std::any_of(needs[later].begin(), needs[later].end(),
                       [&](const auto& name) { return name == object.name || name == object.id; });
  }

  size_t deepest(size_t at, std::vector<size_t>& path) {
    if (const auto known = depth_.find(at); known != depth_.end()) return known->second;
    if (const auto seen = std::find(path.begin(), path.end(), at); seen != path.end()) {
      cycle({seen, path.end()});
    }
    path.push_back(at);
    size_t depth = 0;
    for (const size_t first : before_[at]) depth = std::max(depth, deepest(first, path) + 1);
    path.pop_back();
    return depth_[at] = depth;
  }

  [[noreturn]] void cycle(const std::vector<size_t>& path) const {
    std::vector<std::string> names;
    names.reserve(path.size() + 1);
    for (const size_t i : path) names.push_back(operations_[i].object.name);
    names.push_back(names.front());
    // The path goes from each object to what it waits for.
    throw Error(ErrorCode::dependency_cycle, "cannot order the objects: each waits for the next: " +
                                                 fmt::format("{}", fmt::join(names, " -> ")))
        .hint("change `after`, `reads` or `writes` in [objects], or leave out --with-dependencies");
  }

  std::span<const Operation> operations_;
  std::vector<ObjectTraits> traits_;
  std::vector<Selectors> after_;
  std::map<size_t, std::vector<size_t>> before_;
  std::map<size_t, size_t> depth_;
};

// A sample with every kind in it, the least critical first; the rest keeps its order.
class Sampler {
 public:
  Sampler(std::span<const Operation> operations, const ObjectRules& rules, Wave& layer) : layer_(layer) {
    Wave order = layer;
    std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
      return traits_of(rules, operations[a].object).criticality <
             traits_of(rules, operations[b].object).criticality;
    });
    for (const size_t i : order) strata_[{operations[i].target, operations[i].object.kind}].push_back(i);
  }

  Wave take(size_t count) {
    Wave sample;
    for (size_t round = 0; sample.size() < std::min(count, layer_.size()); ++round) {
      for (const auto& [stratum, members] : strata_) {
        if (round < members.size() && sample.size() < count) sample.push_back(members[round]);
      }
    }
    std::sort(sample.begin(), sample.end());
    std::erase_if(layer_, [&](size_t i) { return std::binary_search(sample.begin(), sample.end(), i); });
    return sample;
  }

 private:
  Wave& layer_;
  std::map<std::pair<std::string, std::string>, Wave> strata_;
};

bool written_together(std::span<const Operation> operations, const std::vector<std::string>& together,
                      size_t a, size_t b) {
  if (b >= together.size() || a >= together.size() || together[a].empty()) return false;
  return together[a] == together[b] && operations[a].target == operations[b].target;
}

}  // namespace

ObjectTraits traits_of(const ObjectRules& rules, const ObjectInfo& object) {
  ObjectTraits traits;
  bool ranked = false;
  for (const auto* section : rules.of(object)) {
    if (section->criticality && !ranked) traits.criticality = *section->criticality;
    ranked = ranked || section->criticality.has_value();
    if (traits.after.empty()) traits.after = section->after;
    if (traits.reads.empty()) traits.reads = section->reads;
    if (traits.writes.empty()) traits.writes = section->writes;
    if (traits.probe.empty()) traits.probe = section->probe;
  }
  return traits;
}

size_t batch_end(size_t begin, size_t end, const std::function<bool(size_t, size_t)>& together) {
  size_t at = std::min(end, begin + largest_wave);
  while (at < end && together(at - 1, at)) ++at;
  return at;
}

Course make_course(std::span<const Operation> operations, std::span<const ObjectSection> sections,
                   const CourseHints& hints, const WaveOptions& options) {
  Course course;
  ObjectRules rules(sections);
  for (const auto& op : operations) rules.saw(op.object);
  std::vector<Wave> layers(1);
  for (size_t i = 0; i < operations.size(); ++i) layers.front().push_back(i);
  if (options.with_dependencies) {
    Graph graph(operations, rules, hints.needs);
    layers = graph.layers();
    course.before = graph.take();
  }
  size_t size = options.wave > 0 ? options.wave : largest_wave;
  if (options.canary > 0 && !operations.empty()) {
    course.waves.push_back(Sampler(operations, rules, layers.front()).take(options.canary));
    if (options.wave == 0) size = std::min(largest_wave, options.canary * widening);
  }
  for (const Wave& layer : layers) {
    const auto together = [&](size_t a, size_t b) {
      return written_together(operations, hints.together, layer[a], layer[b]);
    };
    for (size_t begin = 0; begin < layer.size();) {
      const bool widest = options.wave == 0 && size == largest_wave;
      const size_t end =
          widest ? batch_end(begin, layer.size(), together) : std::min(layer.size(), begin + size);
      course.waves.emplace_back(layer.begin() + static_cast<std::ptrdiff_t>(begin),
                                layer.begin() + static_cast<std::ptrdiff_t>(end));
      begin = end;
      if (options.wave == 0) size = std::min(largest_wave, size * widening);
    }
  }
  return course;
}

}  // namespace mlship
