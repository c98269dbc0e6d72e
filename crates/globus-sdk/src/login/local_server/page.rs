//! What the browser shows when it has come back.

use crate::auth::LoginError;

/// The page after the login.
#[derive(Clone, Debug)]
pub(super) enum Page {
    Done,
    Refused(String),
}

impl Page {
    pub(super) fn of_refusal(error: &LoginError) -> Self {
        Self::Refused(match error {
            LoginError::Refused { error, description: Some(text) } => format!("{text} ({error})"),
            LoginError::Refused { error, .. } => error.clone(),
            other => other.to_string(),
        })
    }

    /// The page in HTML. It needs nothing from elsewhere, and says nothing of the code.
    pub(super) fn html(&self) -> String {
        let (title, text) = match self {
            Self::Done => {
                ("Back to the program", "The login is handed to the program that asked for it.".to_owned())
            }
            Self::Refused(why) => ("The login was refused", escaped(why)),
        };
        format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>{title}</title></head>\n<body>\
             <h1>{title}</h1><p>{text}</p><p>You can close this window.</p></body>\n</html>\n"
        )
    }
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_refusal_is_markup() {
        let page = Page::of_refusal(&LoginError::Refused {
            error: "<b>'x'</b>".to_owned(),
            description: Some("<script>alert(\"1&2\")</script>".to_owned()),
        });
        let html = page.html();
        assert!(
            html.contains("&lt;script&gt;alert(&quot;1&amp;2&quot;)&lt;/script&gt; (&lt;b&gt;&#39;x&#39;")
        );
        assert!(!html.contains("<script") && !html.contains("<b>"));
    }
}
