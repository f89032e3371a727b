# The default Python package index is the one the platform's own pip has built in; a distributor or a company
# sets another with -DMLSHIP_DEFAULT_INDEX=URL. Empty: every project has to name its index.
if(NOT DEFINED MLSHIP_DEFAULT_INDEX)
  find_package(Python3 QUIET COMPONENTS Interpreter)
  foreach(python IN ITEMS ${Python3_EXECUTABLE} /usr/bin/python3)
    if(NOT MLSHIP_DEFAULT_INDEX AND python)
      execute_process(COMMAND ${python} -c
        "from pip._internal.models.index import PyPI; print(PyPI.simple_url, end='')"
        OUTPUT_VARIABLE found ERROR_QUIET)
      set(MLSHIP_DEFAULT_INDEX "${found}")
    endif()
  endforeach()
  set(MLSHIP_DEFAULT_INDEX "${MLSHIP_DEFAULT_INDEX}" CACHE STRING "Default Python package index (PEP 503/691 URL)")
endif()
message(STATUS "mlship: default package index from pip: ${MLSHIP_DEFAULT_INDEX}")
