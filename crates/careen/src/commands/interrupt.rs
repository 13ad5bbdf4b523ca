//! Ctrl-C: the first cancels what runs and lets it clean up, the second ends the program.

use std::sync::OnceLock;

use careen_engine::CancelToken;

use crate::exit::Exit;

/// The token that Ctrl-C cancels. The handler is set at the first call.
pub(super) fn token() -> CancelToken {
    static TOKEN: OnceLock<CancelToken> = OnceLock::new();
    let token = TOKEN.get_or_init(|| {
        let token = CancelToken::new();
        let cancelled = token.clone();
        let set = ctrlc::set_handler(move || {
            if cancelled.is_cancelled() {
                #[expect(clippy::exit, reason = "the user asked twice")]
                std::process::exit(i32::from(Exit::Interrupted.code()));
            }
            cancelled.cancel();
        });
        if let Err(err) = set {
            super::say(&format!("Ctrl-C will not clean up: {err}"));
        }
        token
    });
    token.clone()
}
