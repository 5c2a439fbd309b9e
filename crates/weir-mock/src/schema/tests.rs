//! Each keyword of a schema that readers check is obeyed.

use super::*;

#[track_caller]
fn check(schema: Value, expected: Value) {
    assert_eq!(example(&schema), expected, "for {schema}");
}

#[test]
fn values_fit_their_schema() {
    check(json!(null), json!({}));
    check(json!({}), json!({}));
    check(json!({"type": "object"}), json!({}));
    check(
        json!({"type": "object", "properties": {"city_name": {"type": "string"}, "days": {"type": "integer"}}}),
        json!({"city_name": "the city name", "days": 3}),
    );
    check(json!({"type": "string", "enum": ["celsius", "fahrenheit"]}), json!("celsius"));
    check(json!({"const": 7}), json!(7));
    check(json!({"type": ["null", "boolean"]}), json!(true));
    check(json!({"type": "array", "items": {"type": "number"}, "minItems": 2}), json!([3.5, 3.5]));
    check(json!({"type": "integer", "minimum": 10}), json!(10));
    check(json!({"type": "integer", "maximum": 1}), json!(1));
    check(json!({"type": "string", "maxLength": 3}), json!("the"));
    check(json!({"anyOf": [{"type": "boolean"}, {"type": "null"}]}), json!(true));
    check(json!({"$ref": "#/$defs/a", "$defs": {"a": {"type": "integer"}}}), json!(3));
}

#[test]
fn a_recursive_schema_ends() {
    let schema = json!({"type": "object", "properties": {"next": {"$ref": "#"}}});
    assert!(example(&schema).is_object());
}
