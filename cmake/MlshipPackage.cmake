# What is installed, and the Debian package of it: every install() rule of the tree gets in, so this comes last.
include(GNUInstallDirs)
if(MLSHIP_TESTS)
  set(CMAKE_SKIP_INSTALL_ALL_DEPENDENCY ON)  # a test packs what is built; it does not build
endif()
install(TARGETS mlship RUNTIME)
install(FILES LICENSE RENAME copyright DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES README.md CHANGELOG.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY docs DESTINATION ${CMAKE_INSTALL_DOCDIR} FILES_MATCHING PATTERN "*.md")
install(DIRECTORY examples DESTINATION ${CMAKE_INSTALL_DOCDIR})

set(MLSHIP_MAINTAINER "mlship maintainers <mlship@example.invalid>" CACHE STRING "Who answers for the packages made here")

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME mlship)
set(CPACK_PACKAGE_CONTACT "${MLSHIP_MAINTAINER}")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "freeze, publish, roll out and roll back ML pipeline code and models")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION "${CPACK_PACKAGE_DESCRIPTION_SUMMARY}
mlship makes one reproducible bundle of pipeline code, locked dependencies and
model files, finds every scheduled job that refers to it, shows the exact plan,
rolls it out with minimal edits, and rolls back byte for byte.")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# Loaded on first use (core/host/dynlib.h), so dpkg-shlibdeps cannot see them.
set(CPACK_DEBIAN_PACKAGE_DEPENDS "libarchive13, libcurl4, libgit2-1.5, libpsl5")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "ca-certificates, git")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_PRE_BUILD_SCRIPTS ${CMAKE_CURRENT_LIST_DIR}/package_folder_modes.cmake)
set(CPACK_VERBATIM_VARIABLES ON)
include(CPack)
