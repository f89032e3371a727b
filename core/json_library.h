// The whole of nlohmann/json, for what builds or reads documents. Its two classes are compiled once, in
// json_library.cpp, instead of in every source that uses them: a third of those sources' compile time.
#pragma once

#include <nlohmann/json.hpp>

extern template class nlohmann::basic_json<>;
extern template class nlohmann::basic_json<nlohmann::ordered_map>;
