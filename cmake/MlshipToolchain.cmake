# Language, warnings, sanitizers, compiler cache and linker: one INTERFACE target carries them.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)

find_program(CCACHE ccache)
if(CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()

add_library(mlship_options INTERFACE)
target_include_directories(mlship_options INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_options(mlship_options INTERFACE -Wall -Wextra -Wshadow -Wconversion)
if(MLSHIP_TESTS)
  target_compile_options(mlship_options INTERFACE -Werror)
else()
  # GCC 12 warns wrongly about std::string once it inlines (GCC bug 105651); a newcomer's build must not stop at that.
  target_compile_options(mlship_options INTERFACE -Wno-restrict)
endif()
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")
if(MLSHIP_SANITIZE)
  target_compile_options(mlship_options INTERFACE -fsanitize=address,undefined -fno-sanitize-recover=all
    -fno-omit-frame-pointer -Og -g1)
  target_link_options(mlship_options INTERFACE -fsanitize=address,undefined)
endif()

# For machines that do not have Debian's libraries. The C library stays outside: what it loads (names, dlopen) is its own.
set(MLSHIP_FMT fmt::fmt)
if(MLSHIP_PORTABLE)
  set(MLSHIP_FMT fmt::fmt-header-only)
  set(OPENSSL_USE_STATIC_LIBS ON)
  set(ZLIB_USE_STATIC_LIBS ON)
  target_link_options(mlship_options INTERFACE -static-libstdc++ -static-libgcc)
endif()

find_program(MOLD mold)
if(MOLD AND CMAKE_BUILD_TYPE STREQUAL "Debug")
  target_link_options(mlship_options INTERFACE -fuse-ld=mold)
endif()

# Declares a static library of one top folder: every .cpp directly in the folder and in the named subfolders.
function(mlship_library name)
  cmake_parse_arguments(ARG "" "" "SUBFOLDERS;LINK" ${ARGN})
  set(patterns *.cpp)
  foreach(sub IN LISTS ARG_SUBFOLDERS)
    list(APPEND patterns ${sub}/*.cpp)
  endforeach()
  file(GLOB sources CONFIGURE_DEPENDS ${patterns})
  add_library(${name} STATIC ${sources})
  target_link_libraries(${name} PUBLIC mlship_options ${ARG_LINK})
endfunction()
