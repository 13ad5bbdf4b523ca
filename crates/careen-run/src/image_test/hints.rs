//! What usually cures a failed import, by what the program said.

use careen_check::generate::cases::distribution_of;

/// Standard error that contains all of `says`; the first row that fits counts.
struct Known {
    says: &'static [&'static str],
    hint: &'static str,
}

const fn known(says: &'static [&'static str], hint: &'static str) -> Known {
    Known { says, hint }
}

/// Names of Debian packages; where a newer release renamed one, both are named.
const KNOWN: &[Known] = &[
    known(
        &["libGL.so.1"],
        "depend on opencv-python-headless instead of opencv-python, or install libgl1",
    ),
    known(
        &["libgthread-2.0.so.0"],
        "install libglib2.0-0 (libglib2.0-0t64 from Debian 13 and Ubuntu 24.04 on)",
    ),
    known(
        &["libglib-2.0.so.0"],
        "install libglib2.0-0 (libglib2.0-0t64 from Debian 13 and Ubuntu 24.04 on)",
    ),
    known(&["libSM.so.6"], "install libsm6, or depend on opencv-python-headless"),
    known(&["libXext.so.6"], "install libxext6, or depend on opencv-python-headless"),
    known(&["libXrender.so.1"], "install libxrender1, or depend on opencv-python-headless"),
    known(&["libxcb"], "install libxcb1, or depend on a package without windows"),
    known(&["libgomp.so.1"], "install libgomp1"),
    known(&["libsndfile"], "install libsndfile1"),
    known(&["libmagic"], "install libmagic1"),
    known(&["libpq.so.5"], "install libpq5, or depend on psycopg2-binary"),
    known(
        &["libcuda.so.1"],
        "the GPU driver is only there at run time: start the container with `--gpus all`",
    ),
    known(
        &["undefined symbol", "nvJitLink"],
        "nvidia-nvjitlink is older than the CUDA libraries beside it: install the same release",
    ),
    known(&["libcudnn"], "install the cuDNN that this release of the framework was built for"),
    known(
        &["libcudart.so"],
        "use a CUDA runtime base image, or wheels that bring the CUDA libraries",
    ),
    known(&["libcublas"], "use a CUDA runtime base image, or wheels that bring the CUDA libraries"),
    known(
        &["CUDA driver version is insufficient"],
        "the driver of the host is older than the CUDA of the image: update it, or use older CUDA",
    ),
    known(
        &["Found no NVIDIA driver"],
        "start the container with `--gpus all` on a machine with the NVIDIA container runtime",
    ),
    known(
        &["no CUDA-capable device"],
        "start the container with `--gpus all` on a machine with the NVIDIA container runtime",
    ),
    known(
        &["version `GLIBCXX_"],
        "the image's libstdc++ is older than the program: use a newer base image",
    ),
    known(
        &["version `GLIBC_"],
        "the image's C library is older than the program: use a newer base image or an older wheel",
    ),
    known(
        &["Error loading shared library"],
        "the package was built for glibc and the image has musl: use a Debian-based image",
    ),
    known(
        &["Error relocating"],
        "the package was built for glibc and the image has musl: use a Debian-based image",
    ),
    known(
        &["compiled using NumPy 1.x"],
        "depend on numpy below 2, or on a release of the package built for NumPy 2",
    ),
    known(
        &["numpy.core.multiarray failed to import"],
        "depend on numpy below 2, or on a release of the package built for NumPy 2",
    ),
    known(
        &["numpy.dtype size changed"],
        "the package was built for another NumPy: reinstall both together",
    ),
    known(
        &["built using AVX instructions"],
        "this processor has no AVX: build on another machine, or pass the host's processor through",
    ),
    known(&["Illegal instruction"], "the program was built for a newer processor than this one"),
    known(&["No module named 'pkg_resources'"], "depend on setuptools below 81"),
    known(
        &["exec format error"],
        "the image is for another processor: build it with the right `--platform`",
    ),
    known(
        &["No space left on device"],
        "the engine's disk or the container's shared memory is full",
    ),
    known(&["Cannot allocate memory"], "the container needs more memory"),
    known(
        &["Read-only file system"],
        "the import writes to its home or cache folder: set that folder to a writable one",
    ),
];

/// By exit code, when the program had no time to say anything.
const BY_CODE: &[(i32, &str)] = &[
    (126, "the program exists but may not be run: check its mode and its processor"),
    (132, "the program was built for a newer processor than this one"),
    (137, "the container was out of memory, or somebody ended it"),
    (139, "mixed builds of one library are the usual cause: reinstall the packages together"),
];

/// The cure for what a program said, when it is a known one.
pub(super) fn find(stderr: &str, code: i32) -> Option<String> {
    let fits = |known: &&Known| known.says.iter().all(|part| stderr.contains(part));
    if let Some(known) = KNOWN.iter().find(fits) {
        return Some(known.hint.to_owned());
    }
    if let Some(module) = missing_module(stderr) {
        let distribution = distribution_of(module);
        return Some(format!(
            "add {distribution} to the project's dependencies, or install its group in the image"
        ));
    }
    BY_CODE.iter().find(|(known, _)| *known == code).map(|(_, hint)| (*hint).to_owned())
}

fn missing_module(stderr: &str) -> Option<&str> {
    let (_, rest) = stderr.rsplit_once("No module named ")?;
    let name = rest.lines().next()?.trim().trim_matches(['\'', '"']);
    (!name.is_empty()).then_some(name)
}
