//! The table is put between its marks, and the page has them.

use super::{BEGIN, END, with_table};

#[test]
fn a_new_table_takes_the_place_of_the_old_one() {
    let page = format!("before\n{BEGIN}old\n{END}\nafter\n");
    let written = with_table(&page, "new").unwrap();
    assert_eq!(written, format!("before\n{BEGIN}\nnew\n{END}\nafter\n"));
    assert_eq!(with_table(&written, "new").unwrap(), written);
}

#[test]
fn the_page_has_the_marks_and_names_the_command() {
    let page = include_str!("../../../docs/resilience.md");
    assert!(with_table(page, "").is_ok());
    assert!(page.contains("weir simulate --markdown") && page.contains("cargo xtask sim"));
}
