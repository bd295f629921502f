# Installs the wavelet library of BUILD to a tree of its own, configures, builds and runs the program in this folder against it.
function(run)
  execute_process(COMMAND ${ARGV} RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "${ARGV}\n${output}")
  endif()
endfunction()

file(REMOVE_RECURSE "${WORK}")
run("${CMAKE_COMMAND}" --install "${BUILD}" --component dendrokv_analysis --prefix "${WORK}/installed")
run("${CMAKE_COMMAND}" -S "${CMAKE_CURRENT_LIST_DIR}" -B "${WORK}/build" -G "${GENERATOR}" "-DCMAKE_CXX_COMPILER=${COMPILER}"
    "-DCMAKE_PREFIX_PATH=${WORK}/installed" "-DCMAKE_CXX_FLAGS=${FLAGS}" "-DPAGE=${PAGE}")
run("${CMAKE_COMMAND}" --build "${WORK}/build")
run("${WORK}/build/examples")
