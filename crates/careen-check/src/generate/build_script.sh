#!/bin/sh
# @TITLE@
# Needs docker and a POSIX shell, nothing else. `careen script` writes this file anew.
#
# usage: @NAME@ [options]
#   --yes          answer every question with yes
#   --clean        first remove this image and its containers; shows them and asks
#   --clean-cache  first empty the build cache; shows its size and asks
#   --no-cache     run every step again; slow, and seldom what you want
#   --no-test      build only
#   --tag NAME     name of the image
#   --help         this text
#
# Questions are asked on a terminal only; elsewhere the answer is no, unless --yes is given.
# NO_COLOR turns colours off. Values of build arguments come from the environment.
#
# exit codes: 0 built and tested   1 a critical image test failed   2 wrong usage
#             3 a prerequisite is missing   4 the build failed   130 interrupted

# Nothing here is meant to match names of files.
set -fu

# What this project builds.
@CONSTANTS@

assume_yes=no
clean_image=no
clean_cache=no
no_cache=no
with_tests=yes
builder=
build_seconds=0
passed=0
failed=0
skipped=0
critical_failures=0
container=
scratch=

# ---------------------------------------------------------------- output

setup_colours() {
    if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
        escape=$(printf '\033')
        green="${escape}[32m" red="${escape}[31m" yellow="${escape}[33m" cyan="${escape}[36m"
        plain="${escape}[0m"
    else
        green='' red='' yellow='' cyan='' plain=''
    fi
}

now() { date '+%H:%M:%S'; }

print_header() { printf '\n%s== %s ==%s\n' "$cyan" "$1" "$plain"; }
print_success() { printf '%s ok %s %s\n' "$green" "$plain" "$1"; }
print_warning() { printf '%swarn%s %s\n' "$yellow" "$plain" "$1" >&2; }
print_error() { printf '%sFAIL%s %s\n' "$red" "$plain" "$1" >&2; }
print_note() { printf '     %s\n' "$1"; }
print_step() { printf '[%s] STEP: %s\n' "$(now)" "$1"; }

# Seconds as minutes and seconds.
minutes() { printf '%d min %02d s' $(($1 / 60)) $(($1 % 60)); }

# Kilobytes (1024 bytes, as df counts) in gigabytes (10^9 bytes) with one digit.
gigabytes() { awk -v kb="$1" 'BEGIN { printf "%.1f GB", kb * 1024 / 1000000000 }'; }

# Asks a question; true means yes.
ask() {
    if [ "$assume_yes" = yes ]; then
        printf '%s yes (--yes)\n' "$1"
        return 0
    fi
    if [ ! -t 0 ]; then
        printf '%s no (not a terminal)\n' "$1"
        return 1
    fi
    printf '%s [y/N] ' "$1"
    read -r answer || return 1
    case $answer in
        [yY] | [yY][eE][sS]) return 0 ;;
        *) return 1 ;;
    esac
}

usage() { sed -n '/^# usage/,/^# exit codes/p' "$0" | sed 's/^# \{0,1\}//'; }

# ---------------------------------------------------------------- prerequisites

missing_prerequisite() {
    print_error "$1"
    [ $# -lt 2 ] || print_note "$2"
    exit 3
}

# Time stamp in microseconds, or nothing where date knows seconds only.
microseconds() {
    stamp=$(date '+%s%N')
    case $stamp in
        *[!0-9]*) ;;
        *) printf '%s' "${stamp%???}" ;;
    esac
}

# Microseconds for looking up a name that does not exist, which no cache can answer for long.
lookup_time() {
    begin=$(microseconds)
    [ -n "$begin" ] || return 0
    i=0
    while [ "$i" -lt 300 ]; do
        [ -e "$1/.no-such-file-$$-$i" ]
        i=$((i + 1))
    done
    end=$(microseconds)
    printf '%s' $(((end - begin) / 300))
}

# Type of the file system under a folder: the longest mount point above it, the last one mounted.
file_system() {
    [ -r /proc/self/mounts ] || return 0
    path=$(cd -- "$1" && pwd -P) || return 0
    awk -v path="$path" '
        {
            point = $2
            gsub(/\\040/, " ", point)
            under = point == "/" || path == point || index(path, point "/") == 1
            if (under && length(point) >= length(best)) { best = point; type = $3 }
        }
        END { print type }' /proc/self/mounts
}

# A folder is slow when looking up names in it is; where it lies is only the explanation.
check_context_speed() {
    type=$(file_system "$CONTEXT")
    here=$(lookup_time "$CONTEXT")
    if [ -z "$here" ]; then
        print_note "file system of the context: ${type:-unknown}, speed not measured (no fine clock)"
        return 0
    fi
    there=$(lookup_time "${TMPDIR:-/tmp}")
    # A network or host share needs 100 us and more for what a local disk does in 1 to 10 us.
    if [ "$here" -lt 100 ]; then
        print_success "context on ${type:-a local file system}: $here us per lookup"
        return 0
    fi
    print_warning "context is slow: $here us per lookup on ${type:-?}, $there us in ${TMPDIR:-/tmp}"
    case $type in
        9p | drvfs | virtiofs) print_note 'move the project into the file system of Linux' ;;
        fuse* | grpcfuse | nfs* | cifs | smb*) print_note 'move the project to a local disk' ;;
    esac
    ask 'Build from here all the same?' || exit 3
}

check_free_space() {
    root=$(docker info --format '{{.DockerRootDir}}' 2>/dev/null)
    host=${DOCKER_HOST:-$(docker context inspect --format '{{.Endpoints.docker.Host}}' 2>/dev/null)}
    case $host in
        unix://* | '') ;;
        *) root= ;;
    esac
    if [ -z "$root" ] || [ ! -d "$root" ]; then
        print_note 'free space of the engine: not visible from here'
        return 0
    fi
    free=$(df -Pk -- "$root" 2>/dev/null | awk 'NR == 2 { print $4 }')
    if [ -z "$free" ]; then
        print_note "free space of $root: df does not tell"
    elif [ "$NEEDED_KB" -gt 0 ] && [ "$free" -lt "$NEEDED_KB" ]; then
        missing_prerequisite \
            "$(gigabytes "$free") free in $root, the build needs about $(gigabytes "$NEEDED_KB")" \
            'free some space there; --clean and --clean-cache show what they would remove'
    else
        print_success "$(gigabytes "$free") free in $root"
    fi
}

# BuildKit by the plugin, by an old client itself, or the classic builder.
choose_builder() {
    if docker buildx version >/dev/null 2>&1; then
        builder=buildx
        print_success "builder: $(docker buildx version 2>/dev/null | awk '{ print $1, $2; exit }')"
        return 0
    fi
    client=$(docker version --format '{{.Client.Version}}' 2>/dev/null)
    major=${client%%.*}
    case $major in
        '' | *[!0-9]*) major=0 ;;
    esac
    # From 23 on a client without the plugin cannot use BuildKit at all.
    if [ "$major" -gt 17 ] && [ "$major" -lt 23 ]; then
        builder=engine
        print_success "builder: BuildKit of the engine, client $client"
        return 0
    fi
    if grep -Eq -- '--mount=|--link|--chmod=|<<-?["A-Za-z]' "$DOCKERFILE"; then
        missing_prerequisite "client $client has no buildx, and $DOCKERFILE needs BuildKit" \
            'install the package docker-buildx or docker-buildx-plugin'
    fi
    builder=classic
    print_warning "client $client has no buildx: the classic builder runs, without parallel steps"
}

check_prerequisites() {
    print_header 'Prerequisites'
    command -v docker >/dev/null 2>&1 || missing_prerequisite 'docker is not installed'
    server=$(docker version --format '{{.Server.Version}}' 2>&1) ||
        missing_prerequisite "the engine does not answer: $server" 'start it, or check DOCKER_HOST'
    print_success "engine $server"
    [ -d "$CONTEXT" ] || missing_prerequisite "no context folder $CONTEXT"
    [ -f "$DOCKERFILE" ] || missing_prerequisite "no file $DOCKERFILE"
    print_success "$DOCKERFILE, context $CONTEXT"
    choose_builder
    check_context_speed
    check_free_space
}

# ---------------------------------------------------------------- cleaning

clean_previous_builds() {
    [ "$clean_image$clean_cache" != nono ] || return 0
    print_header 'Cleaning'
    if [ "$clean_image" = yes ]; then
        remove_services
        remove_containers
        remove_image
    fi
    [ "$clean_cache" != yes ] || empty_cache
}

remove_services() {
    [ -n "$COMPOSE" ] && [ -f "$COMPOSE" ] && docker compose version >/dev/null 2>&1 || return 0
    services=$(docker compose -f "$COMPOSE" ps -q 2>/dev/null)
    [ -n "$services" ] || return 0
    docker compose -f "$COMPOSE" ps
    if ask "Stop and remove these services of $COMPOSE? Volumes stay."; then
        docker compose -f "$COMPOSE" down && print_success 'services removed'
    fi
}

remove_containers() {
    containers=$(docker ps -aq --filter "ancestor=$IMAGE")
    if [ -z "$containers" ]; then
        print_note "no container of $IMAGE"
        return 0
    fi
    docker ps -a --filter "ancestor=$IMAGE" --format '     {{.Names}}  {{.Status}}'
    ask 'Remove these containers, running ones too?' || return 0
    for id in $containers; do
        docker rm -f "$id" >/dev/null && print_success "removed container $id"
    done
}

remove_image() {
    id=$(docker image inspect --format '{{.Id}}' "$IMAGE" 2>/dev/null) || {
        print_note "no image $IMAGE"
        return 0
    }
    print_note "$IMAGE $id $(image_size)"
    ask 'Remove this image?' || return 0
    docker image rm "$IMAGE" >/dev/null && print_success "removed $IMAGE"
}

empty_cache() {
    docker system df --format '     {{.Type}}: {{.Size}}, {{.Reclaimable}} reclaimable' |
        grep -i 'build cache'
    print_note 'the next build of every project on this engine starts from nothing'
    ask 'Empty the build cache? This cannot be undone.' || return 0
    docker builder prune -f >/dev/null && print_success 'build cache emptied'
}

# ---------------------------------------------------------------- build

start_build() {
    print_header "Building $IMAGE"
    set -- -f "$DOCKERFILE" -t "$IMAGE"
    [ -z "$TARGET" ] || set -- "$@" --target "$TARGET"
    [ "$no_cache" = no ] || set -- "$@" --no-cache
@ARGUMENTS@
    case $builder in
        buildx)
            # An attestation turns the image into an index, which some tools cannot read.
            if docker buildx build --help 2>/dev/null | grep -q -- '--provenance'; then
                set -- "$@" --provenance=false --sbom=false
            fi
            set -- buildx build --load --progress=plain "$@"
            ;;
        engine)
            set -- build --progress=plain "$@"
            DOCKER_BUILDKIT=1
            export DOCKER_BUILDKIT
            ;;
        classic)
            set -- build "$@"
            DOCKER_BUILDKIT=0
            export DOCKER_BUILDKIT
            ;;
    esac
    print_step "docker $1 $2 ... $CONTEXT"
    begin=$(date '+%s')
    docker "$@" "$CONTEXT"
    code=$?
    build_seconds=$(($(date '+%s') - begin))
    if [ "$code" -ne 0 ]; then
        print_step "failed after $(minutes "$build_seconds")"
        print_error "docker ended with exit code $code"
        exit 4
    fi
    print_step "done in $(minutes "$build_seconds")"
}

# ---------------------------------------------------------------- tests

skip_test() {
    skipped=$((skipped + 1))
    printf '%sskip%s %s: %s\n' "$yellow" "$plain" "$1" "$2"
}

# True when the engine can hand a GPU to a container.
has_gpu() {
    if docker info --format '{{json .Runtimes}}' 2>/dev/null | grep -q nvidia; then
        return 0
    fi
    command -v nvidia-smi >/dev/null 2>&1 && nvidia-smi >/dev/null 2>&1
}

# What a program said, without what could command the terminal.
harmless() {
    sed "s/$(printf '\033')\[[0-9;?]*[A-Za-z]//g" | tr -d '\000-\010\013-\037\177'
}

first_line() { harmless <"$scratch/out" | awk 'NF { print; exit }'; }

# run_test NAME critical|optional plain|gpu SECONDS "PROGRAMS" [ARGUMENTS]
#
# The first program that the image has runs with the arguments, without network and shell.
# Exit code 77 means that the test does not apply.
run_test() {
    name=$1 weight=$2 device=$3 limit=$4 programs=$5
    shift 5
    if [ "$device" = gpu ] && ! has_gpu; then
        skip_test "$name" 'no GPU for containers here'
        return 0
    fi
    code=127
    for program in $programs; do
        container="image-test-$$-$passed-$failed-$skipped"
        run_limited "$limit" "$device" "$program" "$@"
        code=$?
        # The client was killed and the container goes on: its time is over.
        state=$(docker container inspect --format '{{.State.Running}}' "$container" 2>/dev/null)
        [ "$state" != true ] || code=124
        docker rm -f "$container" >/dev/null 2>&1
        container=
        [ "$code" -eq 127 ] || break
    done
    case $code in
        0)
            passed=$((passed + 1))
            print_success "$name $(first_line)"
            return 0
            ;;
        77)
            skip_test "$name" "$(first_line)"
            return 0
            ;;
        124) reason="took longer than $limit s" ;;
        127) reason="the image has none of: $programs" ;;
        *) reason="exit code $code" ;;
    esac
    failed=$((failed + 1))
    if [ "$weight" = critical ]; then
        critical_failures=$((critical_failures + 1))
        print_error "$name: $reason"
    else
        print_warning "$name: $reason (not critical)"
    fi
    harmless <"$scratch/err" | awk 'NF' | tail -n 3 | sed 's/^/     /' >&2
}

# Runs a program in the image; ends it after some seconds where the system has `timeout`.
run_limited() {
    limit_seconds=$1 wants=$2 entry=$3
    shift 3
    set -- --rm --network none --name "$container" --entrypoint "$entry" "$IMAGE" "$@"
    [ "$wants" != gpu ] || set -- --gpus all "$@"
    set -- docker run "$@"
    if command -v timeout >/dev/null 2>&1; then
        set -- timeout -s KILL "$limit_seconds" "$@"
    fi
    "$@" >"$scratch/out" 2>"$scratch/err" </dev/null
}

test_image() {
    print_header "Testing $IMAGE"
@TESTS@
}

# ---------------------------------------------------------------- summary

image_size() {
    docker image inspect --format '{{.Size}}' "$IMAGE" 2>/dev/null |
        awk '{ if ($1 < 1000000000) printf "%.1f MB", $1 / 1000000; else printf "%.1f GB", $1 / 1000000000 }'
}

show_summary() {
    print_header 'Summary'
    print_note "image   $IMAGE  $(image_size)"
    print_note "id      $(docker image inspect --format '{{.Id}}' "$IMAGE" 2>/dev/null)"
    print_note "build   $(minutes "$build_seconds")"
    if [ "$with_tests" = yes ]; then
        print_note "tests   $passed passed, $failed failed, $skipped skipped"
    else
        print_note 'tests   not run (--no-test)'
    fi
    print_note "run it  docker run --rm -it $IMAGE"
}

# ---------------------------------------------------------------- main

finish() {
    [ -z "$container" ] || docker rm -f "$container" >/dev/null 2>&1
    [ -z "$scratch" ] || rm -rf -- "$scratch"
}

parse_options() {
    while [ $# -gt 0 ]; do
        case $1 in
            --yes | -y) assume_yes=yes ;;
            --clean) clean_image=yes ;;
            --clean-cache) clean_cache=yes ;;
            --no-cache) no_cache=yes ;;
            --no-test) with_tests=no ;;
            --tag)
                [ $# -gt 1 ] || {
                    print_error '--tag needs a name'
                    exit 2
                }
                shift
                IMAGE=$1
                ;;
            --help | -h)
                usage
                exit 0
                ;;
            *)
                print_error "unknown option $1"
                usage >&2
                exit 2
                ;;
        esac
        shift
    done
}

setup_colours
parse_options "$@"
cd -- "$(dirname -- "$0")" || exit 3
trap finish EXIT
trap 'exit 130' INT TERM
scratch=$(mktemp -d) || missing_prerequisite 'no temporary folder'
check_prerequisites
clean_previous_builds
start_build
[ "$with_tests" = no ] || test_image
show_summary
[ "$critical_failures" -eq 0 ] || exit 1
