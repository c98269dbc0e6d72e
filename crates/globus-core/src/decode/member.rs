//! One member of a body, read without the rest.

use super::{Decode, DecodeError, Reader};

/// Reads the member of this name out of a body, which must be an object; `None` where there is none or it is
/// null. Given twice, it counts as it was given last.
///
/// Globus Auth answers some requests for one thing with a list of it: where there is no `scope`, the first of
/// `scopes` counts.
pub(crate) fn member_of<T: Decode>(body: &[u8], name: &'static str) -> Result<Option<T>, DecodeError> {
    let mut reader = Reader::new(body)?;
    let (mut found, mut listed) = (None, None);
    let mut first = true;
    reader.begin_object()?;
    while let Some(key) = reader.key(&mut first)? {
        let start = reader.save();
        // Damage further on counts for more than another kind of value here.
        reader.value().map_err(DecodeError::in_unnamed)?;
        if key == name {
            found = Some(start);
        } else if key.strip_prefix(name) == Some("s") {
            listed = Some(start);
        }
    }
    let end = reader.save();
    let one = match found {
        Some(place) => {
            reader.rewind(place);
            Option::<T>::decode(&mut reader).map_err(|error| error.in_member(name))?
        }
        None => None,
    };
    let one = match (one, listed) {
        (None, Some(place)) => {
            reader.rewind(place);
            first_of(&mut reader).map_err(|error| error.in_member(name))?
        }
        (one, _) => one,
    };
    reader.rewind(end);
    reader.end()?;
    Ok(one)
}

fn first_of<T: Decode>(reader: &mut Reader<'_>) -> Result<Option<T>, DecodeError> {
    let mut first = true;
    reader.begin_array()?;
    if reader.item(&mut first)? { T::decode(reader).map(Some) } else { Ok(None) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(body: &str) -> Result<Option<u8>, DecodeError> {
        member_of(body.as_bytes(), "scope")
    }

    #[test]
    fn the_member_is_found_among_others() {
        for (body, expected) in [
            (r#"{"scope": 1}"#, Some(1)),
            (r#"{"a": [{"scope": 7}], "scope": 1, "b": "x"}"#, Some(1)),
            (r#"{"scope": "odd", "scope": 2}"#, Some(2)),
            (r#"{"scopes": [3, 4]}"#, Some(3)),
            (r#"{"scopes": [3], "scope": 1}"#, Some(1)),
            (r#"{"scope": null}"#, None),
            (r#"{"scopes": []}"#, None),
            ("{}", None),
        ] {
            assert_eq!(scope(body).unwrap(), expected, "{body}");
        }
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        assert_eq!(scope(r#"{"scope": "one"}"#).unwrap_err().path(), "scope");
        assert!(!scope("[]").unwrap_err().is_syntax());
        for damaged in [r#"{"scope": 1"#, r#"{"scope": "x", "b": }"#, r#"{"scope": 1} x"#, ""] {
            assert!(scope(damaged).unwrap_err().is_syntax(), "{damaged}");
        }
    }
}
