//! JSON as YAML, which is what `--output text` prints, as clients of such chains do.

use serde_json::Value;

/// A value as YAML, without a line break at its end.
pub fn yaml(value: &Value) -> String {
    let mut out = String::new();
    block(value, 0, &mut out);
    // What a chain says must not reach the terminal as commands.
    out.retain(|c| c == '\n' || !c.is_control());
    out.trim_end().into()
}

/// Deeper values stand on one line: indentation grows with the square of the depth.
const MAX_DEPTH: usize = 64;

fn block(value: &Value, depth: usize, out: &mut String) {
    let pad = "  ".repeat(depth);
    match value {
        value if depth > MAX_DEPTH => out.push_str(&format!("{pad}{value}\n")),
        Value::Object(fields) if !fields.is_empty() => {
            for (name, value) in fields {
                out.push_str(&format!("{pad}{}:", scalar(name)));
                below(value, depth + 1, out);
            }
        }
        Value::Array(list) if !list.is_empty() => {
            for value in list {
                let mut inner = String::new();
                block(value, depth + 1, &mut inner);
                // The first line follows the dash, the others stand below it.
                out.push_str(&format!("{pad}- {}", inner.trim_start_matches(' ')));
            }
        }
        value => out.push_str(&format!("{pad}{}\n", plain(value))),
    }
}

fn below(value: &Value, depth: usize, out: &mut String) {
    match value {
        value if depth > MAX_DEPTH => out.push_str(&format!(" {value}\n")),
        Value::Object(fields) if !fields.is_empty() => {
            out.push('\n');
            block(value, depth, out);
        }
        // Lists stand as deep as their name.
        Value::Array(list) if !list.is_empty() => {
            out.push('\n');
            block(value, depth - 1, out);
        }
        value => out.push_str(&format!(" {}\n", plain(value))),
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => scalar(text),
        Value::Object(_) => "{}".into(),
        Value::Array(_) => "[]".into(),
        value => value.to_string(),
    }
}

/// Text that YAML would read as something else is quoted: JSON's quotes are YAML's.
fn scalar(text: &str) -> String {
    let safe = |c: char| c.is_ascii_alphanumeric() || "_/.+-=@,()%".contains(c);
    let word = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/')
        && text.chars().all(|c| safe(c) || c == ' ')
        && !text.ends_with(' ')
        && !["true", "false", "null", "yes", "no", "on", "off", "y", "n"].contains(&text.to_lowercase().as_str());
    if word { text.into() } else { Value::from(text).to_string() }
}

#[cfg(test)]
mod tests {
    use super::yaml;
    use serde_json::json;

    #[test]
    fn text_is_yaml() {
        let value = json!({
            "balances": [{"amount": "10", "denom": "uzektra"}, {"amount": "2", "denom": "atom"}],
            "pagination": {"next_key": null, "total": "0"},
            "empty": [], "none": {}, "height": 5, "log": "a: b", "yes": "no", "nested": [[1, 2], []]
        });
        let expected = r#"balances:
- amount: "10"
  denom: uzektra
- amount: "2"
  denom: atom
pagination:
  next_key: null
  total: "0"
empty: []
none: {}
height: 5
log: "a: b"
"yes": "no"
nested:
- - 1
  - 2
- []"#;
        let text = yaml(&value);
        // Maps are sorted or not, as the JSON library is built.
        let mut lines: Vec<_> = text.lines().collect();
        let mut wanted: Vec<_> = expected.lines().collect();
        lines.sort_unstable();
        wanted.sort_unstable();
        assert_eq!(lines, wanted);
    }

    #[test]
    fn nothing_reaches_the_terminal_as_a_command() {
        assert!(!yaml(&json!({"log": "\u{1b}[2J"})).contains('\u{1b}'));
    }
}
