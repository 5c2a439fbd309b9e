//! Secrets that slipped into a file are not shown.

use crate::config::mask::mask;

#[track_caller]
fn check(text: &str, expected: &str) {
    let masked = mask(text);
    assert_eq!(masked, expected);
    assert_eq!(masked.len(), text.len(), "places would shift");
}

#[test]
fn what_is_assigned_to_a_key_is_hidden_unless_it_is_a_reference() {
    check("api_key = \"env:NAME\"\n", "api_key = \"env:NAME\"\n");
    check("api_key = \"caller\" # why\n", "api_key = \"caller\" # why\n");
    check("api_key = \"hunter2\" # why\nname = \"a\"\n", "api_key = \"*******\" # why\nname = \"a\"\n");
    check("  \"api_key\"='hunter2'", "  \"api_key\"='*******'");
    check("api_keys = [\"hunter2\"]", "api_keys = [\"*******\"]");
    check("api_key = hunter2\r\n", "api_key = *******\r\n");
    check("{ api_key = \"ключ\", name = \"a\" }", "{ api_key = \"********\", name = \"a\" }");
}

#[test]
fn what_begins_like_a_key_is_hidden_anywhere() {
    check("name = \"sk-proj-0123456789\"", "name = \"******************\"");
    check("# weir_0123456789abcdef is mine", "# ********************* is mine");
    check("hash = \"blake3:00\" task-description", "hash = \"blake3:00\" task-description");
    check("model = \"sk-ip\"", "model = \"sk-ip\"");
}

#[test]
fn urls_lose_their_user_and_their_query() {
    check("u = \"https://me:pw@a.example/v1?key=1\" # x", "u = \"https://*****@a.example/v1?*****\" # x");
    check("u = \"https://a.example/v1\" # me@b.example?", "u = \"https://a.example/v1\" # me@b.example?");
}
