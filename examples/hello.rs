// Tells a story through Hearth's C API: rustc hello.rs -L DIR -l hearth && ./hello [MODEL]
use std::ffi::{c_char, c_int, c_void, CStr, CString};
use std::io::Write;
use std::ptr::{null, null_mut};

#[repr(C)]
struct Error {
    status: i32,
    message: [c_char; 1020],
}
type Handle = *mut c_void;
type TextFn = extern "C" fn(*mut c_void, *const u8, usize) -> c_int;

#[link(name = "hearth")]
extern "C" {
    fn hearth_model_open(path: *const c_char, options: *const c_void, model: *mut Handle, error: *mut Error) -> i32;
    fn hearth_model_free(model: Handle) -> i32;
    fn hearth_session_new(model: Handle, options: *const c_void, session: *mut Handle, error: *mut Error) -> i32;
    fn hearth_session_free(session: Handle) -> i32;
    fn hearth_session_generate(session: Handle, prompt: *const u8, n_bytes: usize, options: *const c_void,
                               on_text: TextFn, user: *mut c_void, reply: *mut c_void, error: *mut Error) -> i32;
}

extern "C" fn show(_user: *mut c_void, text: *const u8, n_bytes: usize) -> c_int {
    let piece = unsafe { std::slice::from_raw_parts(text, n_bytes) };
    let mut out = std::io::stdout();
    (out.write_all(piece).and_then(|_| out.flush())).is_err() as c_int
}

fn main() {
    let path = std::env::args().nth(1).unwrap_or("models/hearth-stories.gguf".into());
    let (path, prompt) = (CString::new(path).expect("a path without NUL"), "Once upon a time");
    let (mut model, mut session) = (null_mut(), null_mut());
    let mut error = Error { status: 0, message: [0; 1020] };
    let failed = unsafe {
        let failed = hearth_model_open(path.as_ptr(), null(), &mut model, &mut error) != 0
            || hearth_session_new(model, null(), &mut session, &mut error) != 0
            || hearth_session_generate(session, prompt.as_ptr(), prompt.len(), null(), show, null_mut(), null_mut(),
                                       &mut error) != 0;
        hearth_session_free(session);
        hearth_model_free(model);
        failed
    };
    println!();
    if failed {
        eprintln!("{}", unsafe { CStr::from_ptr(error.message.as_ptr()) }.to_string_lossy());
        std::process::exit(1);
    }
}
