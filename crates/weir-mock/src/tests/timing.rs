//! Delays: asked for, kept, and each token in a chunk of its own.

use super::{Seen, chat, get, mock, mock_of, only_attempt, post};
use crate::Profile;

const CHAT: &str = "/v1/chat/completions";

async fn timed(stream: bool) -> (Seen, u64, u64) {
    let mock = mock().await;
    let call = post(&mock, CHAT, &chat(stream)).header("x-mock-tokens", "21");
    let seen = call.header("x-mock-ttft-ms", "80").header("x-mock-itl-ms", "5").send().await;
    let entry = only_attempt(&mock).await;
    let first = entry.first_byte_ms.expect("sent") - entry.started_ms;
    (seen, first, entry.ended_ms.expect("over") - entry.started_ms)
}

#[tokio::test]
async fn a_stream_comes_token_by_token_at_the_pace_asked_for() {
    let (seen, first, whole) = timed(true).await;
    assert!(seen.has_done());
    // 20 gaps of 5 ms after 80 ms; late is possible on a busy machine, early is not.
    assert!(
        first >= 79 && whole >= 179 && first < whole,
        "first token after {first} ms, over after {whole} ms"
    );
}

#[tokio::test]
async fn a_plain_answer_comes_when_all_of_it_is_said() {
    let (seen, first, whole) = timed(false).await;
    assert_eq!(seen.status, Some(200));
    assert!(first >= 179 && whole >= 179, "{first} and {whole} ms");
}

#[tokio::test]
async fn calm_answers_begin_after_a_moment_and_are_whole() {
    let mock = mock_of(Profile::Calm).await;
    let seen = post(&mock, CHAT, &chat(true)).header("x-mock-tokens", "3").send().await;
    let entry = only_attempt(&mock).await;
    assert!(seen.has_done());
    assert!(entry.first_byte_ms.expect("sent") >= entry.started_ms + 39, "{entry:?}");
}

#[tokio::test]
async fn peak_begins_with_room() {
    let mock = mock_of(Profile::Peak).await;
    let seen = post(&mock, CHAT, &chat(false))
        .header("x-mock-tokens", "3")
        .header("x-mock-ttft-ms", "1")
        .send()
        .await;
    assert_eq!(seen.status, Some(200));
    assert_eq!(get(&mock, "/v1/models").send().await.status, Some(200));
}
