# mlship_table(TARGET TYPE HEADER DIR): compiles every DIR/*.cpp into TARGET and writes the table of their factories.
# DIR/x.cpp defines `extern const TypeFactory x_factory;` in namespace mlship; the rows are read through
# `std::span<const TypeFactory* const> type_factories()`, declared in HEADER. Adding a file is enough.
function(mlship_table target type header dir)
  file(GLOB srcs CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${dir}/*.cpp)
  set(decl "")
  set(rows "")
  foreach(s IN LISTS srcs)
    cmake_path(GET s STEM n)
    string(APPEND decl "extern const ${type}Factory ${n}_factory;\n")
    string(APPEND rows "&${n}_factory, ")
  endforeach()
  set(table "static constexpr const ${type}Factory* rows[] = {${rows}}; return rows;")
  if(NOT srcs)
    set(table "return {};")
  endif()
  string(TOLOWER ${type} lower)
  file(CONFIGURE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/${lower}_table.cpp @ONLY CONTENT
"#include \"@header@\"
namespace mlship {
@decl@
std::span<const @type@Factory* const> @lower@_factories() { @table@ }
}  // namespace mlship
")
  target_sources(${target} PRIVATE ${srcs} ${CMAKE_CURRENT_BINARY_DIR}/${lower}_table.cpp)
endfunction()
