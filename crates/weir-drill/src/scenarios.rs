//! Every drill: one file each and one line in [`ALL`].
//!
//! `S01` to `S16` are the sixteen faults of failoverbench (<https://github.com/failoverbench/failoverbench>),
//! with its checks and real durations; `X01` onward are what DeepSeek and others were seen to do beyond them.

use crate::scenario::Scenario;

mod s01_retry_after;
mod s02_limited;
mod s03_error_once;
mod s04_overloaded;
mod s05_reset;
mod s06_silence;
mod s07_slow_first_token;
mod s08_cut;
mod s09_stall;
mod s10_garbled_event;
mod s11_no_done;
mod s12_context_length;
mod s13_content_filter;
mod s14_prefill_rejected;
mod s15_flap;
mod s16_accounting;
mod x01_blank_200;
mod x02_keep_alive_then_close;
mod x03_keep_alive_then_answer;
mod x04_reasoning_stall;
mod x05_clean_eof;
mod x06_insufficient_resource;
mod x07_error_event_first;
mod x08_error_event_after;
mod x09_h2_reset;
mod x10_h2_goaway;
mod x11_html_200;
mod x12_error_after_200;
mod x13_reset_for_ever;
mod x14_cut_in_character;
mod x15_cut_in_tool_call;
mod x16_cut_in_thoughts;
mod x17_cut_in_signed_thoughts;
mod x18_cut_without_prefill;
mod x19_cut_at_fallback;
mod x20_reset_in_stream;
mod x21_all_down;
mod x22_cut_taken_up;
mod x23_prefill_rejected_once;
mod x24_clean_eof_taken_up;
mod x25_error_event_taken_up;
mod x26_prefill_rejected_everywhere;
mod x27_cut_then_reset;
mod x28_cut_then_503;
mod x29_garbled_token;
mod x30_no_done_left_open;
mod x31_signed_thoughts_stall;

/// Every scenario, in the order it is shown.
pub const ALL: &[Scenario] = &[
    s01_retry_after::SCENARIO,
    s02_limited::SCENARIO,
    s03_error_once::SCENARIO,
    s04_overloaded::SCENARIO,
    s05_reset::SCENARIO,
    s06_silence::SCENARIO,
    s07_slow_first_token::SCENARIO,
    s08_cut::SCENARIO,
    s09_stall::SCENARIO,
    s10_garbled_event::SCENARIO,
    s11_no_done::SCENARIO,
    s12_context_length::SCENARIO,
    s13_content_filter::SCENARIO,
    s14_prefill_rejected::SCENARIO,
    s15_flap::SCENARIO,
    s16_accounting::SCENARIO,
    x01_blank_200::SCENARIO,
    x02_keep_alive_then_close::SCENARIO,
    x03_keep_alive_then_answer::SCENARIO,
    x04_reasoning_stall::SCENARIO,
    x05_clean_eof::SCENARIO,
    x06_insufficient_resource::SCENARIO,
    x07_error_event_first::SCENARIO,
    x08_error_event_after::SCENARIO,
    x09_h2_reset::SCENARIO,
    x10_h2_goaway::SCENARIO,
    x11_html_200::SCENARIO,
    x12_error_after_200::SCENARIO,
    x13_reset_for_ever::SCENARIO,
    x14_cut_in_character::SCENARIO,
    x15_cut_in_tool_call::SCENARIO,
    x16_cut_in_thoughts::SCENARIO,
    x17_cut_in_signed_thoughts::SCENARIO,
    x18_cut_without_prefill::SCENARIO,
    x19_cut_at_fallback::SCENARIO,
    x20_reset_in_stream::SCENARIO,
    x21_all_down::SCENARIO,
    x22_cut_taken_up::SCENARIO,
    x23_prefill_rejected_once::SCENARIO,
    x24_clean_eof_taken_up::SCENARIO,
    x25_error_event_taken_up::SCENARIO,
    x26_prefill_rejected_everywhere::SCENARIO,
    x27_cut_then_reset::SCENARIO,
    x28_cut_then_503::SCENARIO,
    x29_garbled_token::SCENARIO,
    x30_no_done_left_open::SCENARIO,
    x31_signed_thoughts_stall::SCENARIO,
];
