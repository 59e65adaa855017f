//! JSON as it is written: a field is found in the text, and a new value takes the place of its value there. The rest of the
//! text stays as it is, whatever its numbers and its depth.

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::from_str;
use serde_json::value::{RawValue, to_raw_value};
use std::collections::BTreeMap;
use std::fmt;

/// The names and values of an object, in their order.
struct Object<'t>(Vec<(&'t RawValue, &'t RawValue)>);

impl<'t> Object<'t> {
    /// `None` if the value is no object.
    fn of(value: &'t RawValue) -> Option<Object<'t>> {
        from_str(value.get()).ok()
    }

    /// The value of the last field with this name.
    fn get(&self, name: &str) -> Option<&'t RawValue> {
        self.0.iter().rev().find(|(own, _)| is_text(own, name)).map(|(_, value)| *value)
    }
}

impl<'de> Deserialize<'de> for Object<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Object<'de>, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Object<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object<'de>, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Object(fields))
            }
        }
        deserializer.deserialize_map(Fields)
    }
}

/// The text that a string stands for. An error is a string that is half of a surrogate pair, which JSON allows: it is only
/// the same as one that is written alike.
fn decoded(string: &RawValue) -> Result<String, &str> {
    from_str(string.get()).map_err(|_| string.get())
}

/// Whether a string stands for this text. Few have an escape in them, and the others need no decoding.
fn is_text(string: &RawValue, text: &str) -> bool {
    let written = &string.get()[1..string.get().len() - 1];
    written == text || written.contains('\\') && decoded(string).is_ok_and(|own| own == text)
}

/// A text as a value.
pub fn string(text: &str) -> Box<RawValue> {
    to_raw_value(text).expect("a text is a value")
}

/// A text in quotation marks.
pub fn quoted(text: &str) -> String {
    string(text).get().to_string()
}

/// The value to which the names lead, from the outside in.
pub fn find<'t>(value: &'t RawValue, names: &[String]) -> Option<&'t RawValue> {
    names.iter().try_fold(value, |value, name| Object::of(value)?.get(name))
}

/// `value` with `new` where the names lead. Objects on the way are made where there is nothing, or null. `None` if something
/// else is on the way.
pub fn set(value: &RawValue, names: &[String], new: &RawValue) -> Option<Box<RawValue>> {
    let text = value.get();
    let (mut value, mut names) = (value, names.iter());
    while let Some(name) = names.next() {
        // The rest of the way does not exist yet.
        let made = || names.clone().rev().fold(new.get().to_string(), |made, name| object(name, &made));
        let Some(fields) = Object::of(value) else {
            let made = object(name, &made());
            return if value.get() == "null" { replace(text, value.get(), &made) } else { None };
        };
        let Some(inner) = fields.get(name) else {
            let made = format!("{}:{}", quoted(name), made());
            return match fields.0.last() {
                Some((_, last)) => replace(text, last.get(), &format!("{},{made}", last.get())),
                None => replace(text, value.get(), &format!("{{{made}}}")),
            };
        };
        value = inner;
    }
    replace(text, value.get(), new.get())
}

fn object(name: &str, value: &str) -> String {
    format!("{{{}:{value}}}", quoted(name))
}

/// `text` with `new` in the place of `old`, which is a part of it.
fn replace(text: &str, old: &str, new: &str) -> Option<Box<RawValue>> {
    let start = old.as_ptr() as usize - text.as_ptr() as usize;
    let (before, after) = (&text[..start], &text[start + old.len()..]);
    let replaced = RawValue::from_string([before, new, after].concat());
    Some(replaced.expect("a value in the place of a value is one"))
}

/// Whether two values are the same: numbers by their values, objects in any order of their fields, and of fields with one
/// name the last. Values that are nested deeper than `levels` are not.
pub fn same(a: &RawValue, b: &RawValue, levels: u32) -> bool {
    let Some(levels) = levels.checked_sub(1) else { return false };
    match (a.get().as_bytes()[0], b.get().as_bytes()[0]) {
        (b'{', b'{') => {
            let (a, b) = (last_fields(a), last_fields(b));
            a.len() == b.len()
                && a.iter().zip(&b).all(|((a_name, a), (b_name, b))| a_name == b_name && same(a, b, levels))
        }
        (b'[', b'[') => {
            let (a, b) = (items(a), items(b));
            a.len() == b.len() && a.iter().zip(&b).all(|(a, b)| same(a, b, levels))
        }
        (b'"', b'"') => decoded(a) == decoded(b),
        (b'-' | b'0'..=b'9', b'-' | b'0'..=b'9') => match (number(a.get()), number(b.get())) {
            (None, None) => a.get() == b.get(),
            (a, b) => a == b,
        },
        _ => a.get() == b.get(),
    }
}

fn last_fields(object: &RawValue) -> BTreeMap<Result<String, &str>, &RawValue> {
    let fields = Object::of(object).map_or_else(Vec::new, |object| object.0);
    fields.into_iter().map(|(name, value)| (decoded(name), value)).collect()
}

fn items(array: &RawValue) -> Vec<&RawValue> {
    from_str(array.get()).unwrap_or_default()
}

/// The sign, the digits without zeros at either end, and the power of ten of the first digit. `None` if that power has
/// more digits than any number that can be meant.
fn number(text: &str) -> Option<(bool, String, i128)> {
    let (negative, text) = text.strip_prefix('-').map_or((false, text), |text| (true, text));
    let (mantissa, power) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = [whole, fraction].concat();
    let significant = digits.trim_start_matches('0');
    if significant.is_empty() {
        return Some((false, String::new(), 0));
    }
    let first = whole.len() as i128 - (digits.len() - significant.len()) as i128;
    let power = power.parse::<i128>().ok()?.checked_add(first)?;
    Some((negative, significant.trim_end_matches('0').to_string(), power))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(text: &str) -> &RawValue {
        from_str(text).unwrap()
    }

    #[test]
    fn numbers_are_the_same_by_value() {
        let groups: [&[&str]; 8] = [
            &["0", "-0", "0.0", "0e5", "-0E99999999999999999999999999999999999999999999"],
            &["1", "1.0", "1e0", "10e-1", "0.1E+1", "100.00e-2"],
            &["-1", "-1.0"],
            &["1e400", "10e399", "0.01e402"],
            &["123456789012345678901234567890", "12345678901234567890123456789e1"],
            &["123456789012345678901234567891"],
            &["0.1", "1e-1"],
            &["1e99999999999999999999999999999999999999999999"],
        ];
        for (index, group) in groups.iter().enumerate() {
            for (other, others) in groups.iter().enumerate() {
                for (a, b) in group.iter().flat_map(|a| others.iter().map(move |b| (a, b))) {
                    assert_eq!(same(raw(a), raw(b), 1), index == other, "{a} {b}");
                }
            }
        }
    }

    #[test]
    fn values_are_the_same_by_what_they_mean() {
        for (a, b, expected) in [
            (r#"{"a":1,"b":[1,{"c":null}]}"#, r#"{ "b":[1.0,{"c":null}], "\u0061":1 }"#, true),
            (r#"{"a":1,"a":2}"#, r#"{"a":2}"#, true),
            (r#"{"a":1}"#, r#"{"a":1,"b":1}"#, false),
            (r#"{"a":1}"#, r#"{"b":1}"#, false),
            ("[1,2]", "[2,1]", false),
            ("[1]", "[1,1]", false),
            (r#""\u00e9""#, "\"é\"", true),
            (r#""\ud800""#, r#""\ud800""#, true),
            (r#""\ud800""#, r#""\ud801""#, false),
            ("true", "false", false),
            ("1", "\"1\"", false),
            ("[]", "{}", false),
        ] {
            assert_eq!(same(raw(a), raw(b), 100), expected, "{a} {b}");
            assert_eq!(same(raw(b), raw(a), 100), expected, "{b} {a}");
        }
        let deep = |levels| ["[".repeat(levels), "]".repeat(levels)].concat();
        assert!(same(raw(&deep(100)), raw(&deep(100)), 100));
        assert!(!same(raw(&deep(101)), raw(&deep(101)), 100));
    }

    #[test]
    fn only_the_field_is_changed() {
        for (before, names, after) in [
            (r#"{ "a" : 1.50 , "b":1e400}"#, &["b"][..], r#"{ "a" : 1.50 , "b":7}"#),
            (r#"{ "a" : 1.50 }"#, &["b"], r#"{ "a" : 1.50,"b":7 }"#),
            ("{ }", &["b", "c"], r#"{"b":{"c":7}}"#),
            ("null", &["b", "c"], r#"{"b":{"c":7}}"#),
            (r#"{"b":null}"#, &["b", "c", "d"], r#"{"b":{"c":{"d":7}}}"#),
            (r#"{"b":{"c": [1]},"x":0.10}"#, &["b", "c"], r#"{"b":{"c": 7},"x":0.10}"#),
            (r#"{"a":1,"a":2}"#, &["a"], r#"{"a":1,"a":7}"#),
            (r#"{"\ud800":1,"\u0061":2}"#, &["a"], r#"{"\ud800":1,"\u0061":7}"#),
        ] {
            let names: Vec<String> = names.iter().map(|name| name.to_string()).collect();
            assert_eq!(set(raw(before), &names, raw("7")).unwrap().get(), after);
        }
        for before in ["1", "[]", r#"{"a":1}"#] {
            assert!(set(raw(before), &["a".into(), "b".into()], raw("7")).is_none());
        }
    }
}
