# Enters: the targets of this tree. Leaves: install rules: library, headers, program, bundled model, and how CMake and
# pkg-config find them. Paths are relative unless an absolute one was asked for, so an installed tree may be moved.
include(CMakePackageConfigHelpers)

install(TARGETS hearth EXPORT hearthTargets)
install(TARGETS hearth_cli)
install(DIRECTORY include/hearth DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(FILES models/hearth-stories.gguf DESTINATION ${CMAKE_INSTALL_DATADIR}/hearth OPTIONAL)
install(FILES LICENSE README.md DESTINATION ${CMAKE_INSTALL_DOCDIR})

set(HEARTH_PACKAGE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/hearth)
install(EXPORT hearthTargets NAMESPACE hearth:: DESTINATION ${HEARTH_PACKAGE_DIR})
configure_package_config_file(tools/hearthConfig.cmake.in ${CMAKE_CURRENT_BINARY_DIR}/hearthConfig.cmake
                              INSTALL_DESTINATION ${HEARTH_PACKAGE_DIR})
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/hearthConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/hearthConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/hearthConfigVersion.cmake
        DESTINATION ${HEARTH_PACKAGE_DIR})

# A static libhearth needs its own libraries on every link line; a shared one only where somebody asks for --static.
file(RELATIVE_PATH HEARTH_PC_UP ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
foreach(folder INCLUDEDIR LIBDIR)
  set(HEARTH_PC_${folder} "\${prefix}/${CMAKE_INSTALL_${folder}}")
  if(IS_ABSOLUTE "${CMAKE_INSTALL_${folder}}")
    set(HEARTH_PC_${folder} "${CMAKE_INSTALL_${folder}}")
  endif()
endforeach()
if(BUILD_SHARED_LIBS)
  set(HEARTH_PC_PRIVATE .private)
endif()
if(HEARTH_CUDA)
  set(HEARTH_PC_CUDA " -L${CUDAToolkit_LIBRARY_DIR} -lcudart_static -ldl -lrt")
endif()
if(HEARTH_OPENMP)
  set(HEARTH_PC_OPENMP " ${OpenMP_CXX_FLAGS}")
endif()
if("stdc++" IN_LIST CMAKE_CXX_IMPLICIT_LINK_LIBRARIES)  # a C program's linker does not bring them by itself
  set(HEARTH_PC_CXX " -lstdc++ -lm")
elseif("c++" IN_LIST CMAKE_CXX_IMPLICIT_LINK_LIBRARIES)
  set(HEARTH_PC_CXX " -lc++ -lm")
endif()
configure_file(tools/hearth.pc.in ${CMAKE_CURRENT_BINARY_DIR}/hearth.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/hearth.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
