//! Gives the fuzzer's bytes to [`weir_fuzz::scopes`], which says what must hold.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| weir_fuzz::scopes(bytes));
