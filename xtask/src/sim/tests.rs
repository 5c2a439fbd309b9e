//! A table is put between its marks, and the pages have them.

use super::{TABLES, with_table};

#[test]
fn a_new_table_takes_the_place_of_the_old_one() {
    let page = "before\n<!-- begin: weir a -->\nold\n<!-- end: weir a -->\nafter\n";
    let written = with_table(page, "weir a", "new\n").unwrap();
    assert_eq!(written, "before\n<!-- begin: weir a -->\n\nnew\n\n<!-- end: weir a -->\nafter\n");
    assert_eq!(with_table(&written, "weir a", "new\n").unwrap(), written);
    assert_eq!(with_table(page, "weir", "new"), None);
}

#[test]
fn the_pages_have_the_marks_and_name_the_command() {
    for table in &TABLES {
        let page = match table.page {
            "docs/resilience.md" => include_str!("../../../docs/resilience.md"),
            _ => include_str!("../../../docs/overload.md"),
        };
        assert!(with_table(page, &table.command(), "").is_some(), "{}: {}", table.page, table.command());
        assert!(page.contains("cargo xtask sim --docs"), "{}", table.page);
    }
}
