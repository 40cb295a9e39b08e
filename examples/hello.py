"""Tells a story through Hearth's C API: python3 hello.py [MODEL]; HEARTH_LIBRARY may name libhearth.so."""
import ctypes as c
import ctypes.util
import os
import sys

lib = c.CDLL(os.environ.get("HEARTH_LIBRARY") or ctypes.util.find_library("hearth") or "libhearth.so.0")
TextFn = c.CFUNCTYPE(c.c_int, c.c_void_p, c.POINTER(c.c_char), c.c_size_t)


class Error(c.Structure):
    _fields_ = [("status", c.c_int32), ("message", c.c_char * 1020)]


class GenerateOptions(c.Structure):  # the beginning of hearth_generate_options: what is left out has its default
    _fields_ = [("size", c.c_size_t), ("max_tokens", c.c_int64)]


lib.hearth_model_open.argtypes = [c.c_char_p, c.c_void_p, c.POINTER(c.c_void_p), c.POINTER(Error)]
lib.hearth_session_new.argtypes = [c.c_void_p, c.c_void_p, c.POINTER(c.c_void_p), c.POINTER(Error)]
lib.hearth_session_generate.argtypes = [c.c_void_p, c.c_char_p, c.c_size_t, c.POINTER(GenerateOptions), TextFn,
                                        c.c_void_p, c.c_void_p, c.POINTER(Error)]
lib.hearth_session_free.argtypes = lib.hearth_model_free.argtypes = [c.c_void_p]


@TextFn
def show(user, text, n_bytes):
    sys.stdout.buffer.write(text[:n_bytes])
    sys.stdout.flush()
    return 0


def call(function, *arguments):
    error = Error()
    if function(*arguments, c.byref(error)) != 0:
        sys.exit(error.message.decode())


model, session = c.c_void_p(), c.c_void_p()
path = sys.argv[1] if len(sys.argv) > 1 else "models/hearth-stories.gguf"
prompt = "Once upon a time".encode()
options = GenerateOptions(c.sizeof(GenerateOptions), -1)
call(lib.hearth_model_open, os.fsencode(path), None, c.byref(model))
call(lib.hearth_session_new, model, None, c.byref(session))
call(lib.hearth_session_generate, session, prompt, len(prompt), c.byref(options), show, None, None)
print()
lib.hearth_session_free(session)
lib.hearth_model_free(model)
