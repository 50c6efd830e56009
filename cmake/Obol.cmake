# The shapes that the house is built of: rooms, stubs, embedded SQL, services, tests.

add_link_options(-Wl,--as-needed)
add_library(obol_flags INTERFACE)
target_compile_options(obol_flags INTERFACE -Wall -Wextra -Wshadow -Wconversion -Wvla -Wstrict-prototypes
    -Wmissing-prototypes -Werror -fno-omit-frame-pointer)
target_compile_definitions(obol_flags INTERFACE _GNU_SOURCE OBOL_VERSION="${PROJECT_VERSION}")
if(CMAKE_BUILD_TYPE STREQUAL "Release") # the same bytes wherever the tree lies
    add_compile_options(-ffile-prefix-map=${CMAKE_SOURCE_DIR}=.) # of what is generated, too
endif()
if(OBOL_FAILPOINTS)
    target_compile_definitions(obol_flags INTERFACE OBOL_FAILPOINTS)
endif()
if(OBOL_SANITIZE)
    add_compile_options(-fsanitize=${OBOL_SANITIZE} -fno-sanitize-recover=all)
    add_link_options(-fsanitize=${OBOL_SANITIZE})
endif()
if(OBOL_COVERAGE)
    add_compile_options(--coverage -fprofile-update=atomic)
    add_link_options(--coverage)
endif()

# obol_room(name USES rooms and stubs FOREIGN imported targets)
# lib/<name>/*.c. What it USES is visible to its users; FOREIGN libraries are its own affair.
function(obol_room name)
    cmake_parse_arguments(ROOM "" "" "USES;FOREIGN" ${ARGN})
    file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${name}/*.c)
    add_library(obol_${name} STATIC ${sources})
    set_target_properties(obol_${name} PROPERTIES LINKER_LANGUAGE C)
    target_include_directories(obol_${name} PUBLIC ${CMAKE_SOURCE_DIR}/lib)
    target_link_libraries(obol_${name} PUBLIC ${ROOM_USES} PRIVATE obol_flags ${ROOM_FOREIGN})
    if(EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/${name}/sql OR EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/${name}/migrations)
        obol_sql(obol_${name} ${name} ${CMAKE_CURRENT_SOURCE_DIR}/${name})
    endif()
endfunction()

# obol_sql(target name directory): embeds directory/sql/*.sql as `const struct db_statement sql_<stem>` and
# directory/migrations/NNN_x.{up,down}.sql as `const struct db_migration <name>_migrations[]` with
# `const size_t <name>_migrations_n`, declared in the generated "<name>_sql.h".
function(obol_sql target name directory)
    file(GLOB files CONFIGURE_DEPENDS ${directory}/sql/*.sql ${directory}/migrations/*.sql)
    set(out ${CMAKE_CURRENT_BINARY_DIR}/${name}_sql)
    string(MD5 names "${files}") # a file that is new here may be old by its date: then the command is another one
    add_custom_command(
        OUTPUT ${out}/${name}_sql.c ${out}/${name}_sql.h
        COMMAND ${CMAKE_COMMAND} -DNAME=${name} -DDIRECTORY=${directory} -DOUT=${out} -DNAMES=${names}
                -P ${CMAKE_SOURCE_DIR}/cmake/EmbedSql.cmake
        DEPENDS ${files} ${CMAKE_SOURCE_DIR}/cmake/EmbedSql.cmake VERBATIM)
    target_sources(${target} PRIVATE ${out}/${name}_sql.c ${out}/${name}_sql.h)
    target_include_directories(${target} PUBLIC ${out} ${CMAKE_SOURCE_DIR}/lib)
endfunction()

set(OBOL_PROTO_PATH ${CMAKE_SOURCE_DIR}/proto
    /usr/share/gocode/src/github.com/grpc-ecosystem/grpc-gateway/third_party/googleapis # google/api, google/rpc
    /usr/share/grpc-proto                                                               # health, reflection
    /usr/include)                                                                       # well-known types
list(TRANSFORM OBOL_PROTO_PATH PREPEND -I OUTPUT_VARIABLE OBOL_PROTO_FLAGS)

# obol_stubs(name files... USES stubs [PLAIN]): protobuf-c code for .proto files and, unless PLAIN, what
# protoc-gen-obol makes of them ("<file>.obol.h").
function(obol_stubs name)
    cmake_parse_arguments(STUBS "PLAIN" "" "USES" ${ARGN})
    set(out ${CMAKE_BINARY_DIR}/stubs)
    if(STUBS_PLAIN)
        set(out ${CMAKE_BINARY_DIR}/plugin-stubs)
    endif()
    set(sources "")
    foreach(file ${STUBS_UNPARSED_ARGUMENTS})
        string(REGEX REPLACE "\\.proto$" "" stem ${file})
        foreach(root ${OBOL_PROTO_PATH})
            if(EXISTS ${root}/${file})
                set(path ${root}/${file})
                break()
            endif()
        endforeach()
        add_custom_command(OUTPUT ${out}/${stem}.pb-c.c ${out}/${stem}.pb-c.h
            COMMAND ${CMAKE_COMMAND} -E make_directory ${out}
            COMMAND protoc-c ${OBOL_PROTO_FLAGS} --c_out=${out} ${file}
            DEPENDS ${path} VERBATIM)
        list(APPEND sources ${out}/${stem}.pb-c.c ${out}/${stem}.pb-c.h)
        if(NOT STUBS_PLAIN)
            add_custom_command(OUTPUT ${out}/${stem}.obol.c ${out}/${stem}.obol.h
                COMMAND protoc --plugin=protoc-gen-obol=$<TARGET_FILE:protoc-gen-obol> ${OBOL_PROTO_FLAGS}
                        --obol_out=${out} ${file}
                DEPENDS ${path} protoc-gen-obol VERBATIM)
            list(APPEND sources ${out}/${stem}.obol.c ${out}/${stem}.obol.h)
        endif()
    endforeach()
    add_library(${name} STATIC ${sources})
    target_include_directories(${name} PUBLIC ${out} ${CMAKE_SOURCE_DIR}/lib)
    target_link_libraries(${name} PUBLIC PkgConfig::PROTOBUF_C ${STUBS_USES})
endfunction()

# obol_service(name USES ...): services/<name> as a library (all but main.c, so that tests can link it) and
# the program obol-<name>.
function(obol_service name)
    cmake_parse_arguments(SERVICE "" "" "USES" ${ARGN})
    set(directory ${CMAKE_CURRENT_SOURCE_DIR}/${name})
    file(GLOB sources CONFIGURE_DEPENDS ${directory}/*.c ${directory}/*/*.c)
    list(REMOVE_ITEM sources ${directory}/main.c)
    add_library(svc_${name} STATIC ${sources})
    set_target_properties(svc_${name} PROPERTIES LINKER_LANGUAGE C)
    target_include_directories(svc_${name} PUBLIC ${directory})
    target_link_libraries(svc_${name} PUBLIC obol_service ${SERVICE_USES} PRIVATE obol_flags)
    obol_sql(svc_${name} ${name} ${directory})
    if(EXISTS ${directory}/main.c)
        add_executable(obol-${name} ${directory}/main.c)
        target_link_libraries(obol-${name} PRIVATE svc_${name} obol_flags)
        set_target_properties(obol-${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
    endif()
endfunction()

# obol_program(name sources... USES ...)
function(obol_program name)
    cmake_parse_arguments(PROGRAM "" "" "USES" ${ARGN})
    add_executable(${name} ${PROGRAM_UNPARSED_ARGUMENTS})
    target_link_libraries(${name} PRIVATE ${PROGRAM_USES} obol_flags)
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
endfunction()
