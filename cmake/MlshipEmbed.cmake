# mlship_embed(TARGET NAME FILES...): makes the files' bytes part of the program, read through
# `std::string_view NAME(std::string_view file_name)` (empty when there is no such file), namespace mlship::embedded.
function(mlship_embed target name)
  set(out ${CMAKE_CURRENT_BINARY_DIR}/embedded_${name}.cpp)
  set(body "")
  foreach(f IN LISTS ARGN)
    cmake_path(GET f FILENAME base)
    file(READ ${f} hex HEX)
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "\\\\x\\1" bytes "${hex}")
    # Adjacent literals keep each one below the compiler's limit on the length of a line.
    string(REGEX REPLACE "((\\\\x[0-9a-f][0-9a-f])(\\\\x[0-9a-f][0-9a-f])?(\\\\x[0-9a-f][0-9a-f])?(\\\\x[0-9a-f][0-9a-f])?(\\\\x[0-9a-f][0-9a-f])?(\\\\x[0-9a-f][0-9a-f])?(\\\\x[0-9a-f][0-9a-f])?(\\\\x[0-9a-f][0-9a-f])?)" "\"\\1\"\n" bytes "${bytes}")
    string(APPEND body "  if (file == \"${base}\") return std::string_view(\"\"\n${bytes}, sizeof(\"\"\n${bytes}) - 1);\n")
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${f})
  endforeach()
  file(CONFIGURE OUTPUT ${out} @ONLY CONTENT
"#include <string_view>
namespace mlship::embedded {
std::string_view @name@(std::string_view file);
std::string_view @name@([[maybe_unused]] std::string_view file) {
@body@  return {};
}
}  // namespace mlship::embedded
")
  target_sources(${target} PRIVATE ${out})
endfunction()
