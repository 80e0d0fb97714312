//! What a process was started with that its own code can no longer find out.
//!
//! The standard library of Rust opens `/dev/null` in place of a closed standard stream before `main`
//! runs, so that no file which is opened later gets the stream's number. What is written there is
//! lost without an error. This crate looks at the stream before that.

/// Whether standard output was open when the process began. Where this is not known, it was.
#[must_use]
pub fn had_standard_output() -> bool {
    before_main::had_standard_output()
}

#[cfg(any(target_os = "linux", target_os = "macos"))]
mod before_main {
    use rustix::io::{Errno, fcntl_getfd};
    use std::sync::atomic::{AtomicBool, Ordering};

    static WAS_CLOSED: AtomicBool = AtomicBool::new(false);

    /// The C library calls the functions of this section before the standard library starts.
    #[used]
    #[expect(
        unsafe_code,
        reason = "the section has pointers to functions without arguments, which is what this is; the function \
                  asks the system about a number, touches an atomic, and needs nothing of the standard library's start"
    )]
    #[cfg_attr(target_os = "linux", unsafe(link_section = ".init_array"))]
    #[cfg_attr(target_os = "macos", unsafe(link_section = "__DATA,__mod_init_func"))]
    static LOOK: extern "C" fn() = look;

    extern "C" fn look() {
        let is_closed = fcntl_getfd(rustix::stdio::stdout()) == Err(Errno::BADF);
        WAS_CLOSED.store(is_closed, Ordering::Relaxed);
    }

    pub(super) fn had_standard_output() -> bool {
        !WAS_CLOSED.load(Ordering::Relaxed)
    }
}

#[cfg(not(any(target_os = "linux", target_os = "macos")))]
mod before_main {
    pub(super) fn had_standard_output() -> bool {
        true
    }
}
