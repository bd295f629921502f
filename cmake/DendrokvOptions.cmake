# Compiler settings that every target of the project shares, and the helpers that declare libraries and tests.

add_library(dendrokv_options INTERFACE)
target_compile_features(dendrokv_options INTERFACE cxx_std_20)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
target_include_directories(dendrokv_options INTERFACE "${PROJECT_SOURCE_DIR}")
# No fused multiply-add behind the programmer's back: results must not depend on the instruction set.
target_compile_options(dendrokv_options INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wnon-virtual-dtor -Wold-style-cast
  -ffp-contract=off
  $<$<BOOL:${DENDROKV_WERROR}>:-Werror>)
if(DENDROKV_SANITIZE)
  list(JOIN DENDROKV_SANITIZE "," sanitizers)
  target_compile_options(dendrokv_options INTERFACE -fsanitize=${sanitizers} -fno-omit-frame-pointer)
  target_link_options(dendrokv_options INTERFACE -fsanitize=${sanitizers})
endif()

# dendrokv_add_library(name SOURCES ... PUBLIC_LINKS ... PRIVATE_LINKS ...)
# PUBLIC_LINKS are floors below (docs/design.md); PRIVATE_LINKS are third-party libraries.
function(dendrokv_add_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;PUBLIC_LINKS;PRIVATE_LINKS" ${ARGN})
  add_library(${name} STATIC ${arg_SOURCES})
  target_link_libraries(${name} PUBLIC ${arg_PUBLIC_LINKS} PRIVATE dendrokv_options ${arg_PRIVATE_LINKS})
endfunction()

# dendrokv_add_test(name SOURCES ... LINKS ... [LABELS ...]): one GoogleTest program, its cases found by CTest.
function(dendrokv_add_test name)
  cmake_parse_arguments(arg "" "TIMEOUT" "SOURCES;LINKS;LABELS" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE ${arg_LINKS} dendrokv_test_support dendrokv_options GTest::gtest_main)
  target_compile_definitions(${name} PRIVATE
    DENDROKV_TEST_DATA="${PROJECT_SOURCE_DIR}/tests/data" DENDROKV_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 300)
  endif()
  if(NOT arg_LABELS)
    set(arg_LABELS unit)
  endif()
  gtest_discover_tests(${name} DISCOVERY_TIMEOUT 60
    PROPERTIES LABELS "${arg_LABELS}" TIMEOUT ${arg_TIMEOUT} ENVIRONMENT "QT_QPA_PLATFORM=offscreen")
endfunction()
