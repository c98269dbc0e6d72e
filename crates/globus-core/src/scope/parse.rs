//! From a text to a graph of names: the characters, then the grammar.

use super::error::{ScopeErrorKind, ScopeParseError};
use super::merge::Graph;
use super::{MAX_DEPTH, MAX_TEXT, Scope};

/// The characters that part names.
pub(super) const SPECIAL: [char; 4] = ['[', ']', '*', ' '];

pub(super) fn parse(text: &str) -> Result<Vec<Scope>, ScopeParseError> {
    if text.len() > MAX_TEXT {
        return Err(ScopeParseError::new(
            ScopeErrorKind::TooLarge,
            format!("the text of scopes is longer than {MAX_TEXT} bytes; ask for fewer at a time"),
        ));
    }
    read(text)?.trees()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token<'t> {
    Name(&'t str),
    Star,
    Open,
    Close,
    End,
}

/// The tokens of a text, each with the position of its first character.
struct Tokens<'t> {
    rest: &'t str,
    position: usize,
}

impl<'t> Tokens<'t> {
    fn next(&mut self) -> Result<(usize, Token<'t>), ScopeParseError> {
        loop {
            let start = self.position;
            let end = self.rest.find(SPECIAL).unwrap_or(self.rest.len());
            if end > 0 {
                let (name, rest) = self.rest.split_at(end);
                self.rest = rest;
                self.position += name.chars().count();
                if rest.is_empty() {
                    // Blanks of any kind around what ends the text are no part of it.
                    let name = name.trim_matches(is_space);
                    return Ok((start, if name.is_empty() { Token::End } else { Token::Name(name) }));
                }
                if rest.starts_with('*') {
                    return Err(ScopeParseError::syntax(self.position + 1, "a star stands in a name"));
                }
                return Ok((start, Token::Name(name)));
            }
            let mut characters = self.rest.chars();
            let Some(character) = characters.next() else { return Ok((start, Token::End)) };
            self.rest = characters.as_str();
            self.position += 1;
            let next = characters.next();
            let wrong = |what| Err(ScopeParseError::syntax(start + 1, what));
            return Ok((
                start,
                match (character, next) {
                    ('*', Some(' ')) => return wrong("a blank follows a star"),
                    (']', Some(other)) if !matches!(other, ' ' | ']') => {
                        return wrong("a closing bracket is followed by something else than a blank");
                    }
                    (' ', Some('[')) => return wrong("a blank stands before an opening bracket"),
                    ('*', _) => Token::Star,
                    ('[', _) => Token::Open,
                    (']', _) => Token::Close,
                    _ => continue,
                },
            ));
        }
    }
}

/// White space as Unicode and Python have it.
fn is_space(character: char) -> bool {
    character.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&character)
}

fn read(text: &str) -> Result<Graph, ScopeParseError> {
    let mut tokens = Tokens { rest: text, position: 0 };
    let mut graph = Graph::default();
    // The names whose brackets are open, the outermost first.
    let mut parents = Vec::new();
    let mut last = None;
    let (mut at, mut token) = tokens.next()?;
    let mut optional = false;
    while token != Token::End {
        let (next_at, next) = tokens.next()?;
        let wrong = |what| Err(ScopeParseError::syntax(at + 1, what));
        match token {
            Token::Star => {
                if !matches!(next, Token::Name(_)) {
                    return wrong("no name follows a star");
                }
                optional = true;
            }
            Token::Name(name) => {
                let name = graph.name(name);
                match parents.last() {
                    Some(&parent) => graph.add_dependency(parent, name, optional),
                    None => graph.add_top(name, optional),
                }
                optional = false;
                last = Some(name);
            }
            Token::Open => {
                if matches!(next, Token::End | Token::Close | Token::Open) {
                    return wrong("no name follows an opening bracket");
                }
                let Some(parent) = last else { return wrong("an opening bracket follows no name") };
                if parents.len() == MAX_DEPTH {
                    return Err(too_deep());
                }
                parents.push(parent);
            }
            Token::Close => {
                if parents.pop().is_none() {
                    return wrong("a closing bracket has no opening one");
                }
            }
            Token::End => {}
        }
        (at, token) = (next_at, next);
    }
    if !parents.is_empty() {
        return Err(ScopeParseError::syntax(at, "an opening bracket is not closed"));
    }
    Ok(graph)
}

pub(super) fn too_deep() -> ScopeParseError {
    ScopeParseError::new(
        ScopeErrorKind::TooLarge,
        format!("the scopes depend on each other through more than {MAX_DEPTH} levels"),
    )
}
