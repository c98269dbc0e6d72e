//! Scopes as a graph of names, which is how Globus Auth reads them, and back to trees that share what is equal.

use std::collections::HashMap;
use std::sync::Arc;

use super::error::{ScopeErrorKind, ScopeParseError, shown};
use super::parse::too_deep;
use super::{MAX_DEPTH, MAX_EXPANDED, Scope};

/// The number of a name.
pub(super) type NameId = usize;

/// Names, what depends on each, and which are asked for; everything once, in order of first mention.
#[derive(Default)]
pub(super) struct Graph {
    ids: HashMap<Arc<str>, NameId>,
    names: Vec<Node>,
    tops: Vec<(NameId, bool)>,
}

struct Node {
    name: Arc<str>,
    dependencies: Vec<(NameId, bool)>,
    /// Where a dependency stands in the list.
    places: HashMap<NameId, usize>,
    is_top: [bool; 2],
}

impl Graph {
    pub(super) fn name(&mut self, name: &str) -> NameId {
        if let Some(&id) = self.ids.get(name) {
            return id;
        }
        let (id, name): (_, Arc<str>) = (self.names.len(), name.into());
        self.ids.insert(Arc::clone(&name), id);
        self.names.push(Node { name, dependencies: Vec::new(), places: HashMap::new(), is_top: [false; 2] });
        id
    }

    pub(super) fn add_top(&mut self, name: NameId, optional: bool) {
        if !std::mem::replace(&mut self.names[name].is_top[usize::from(optional)], true) {
            self.tops.push((name, optional));
        }
    }

    /// Of a required and an optional dependency the required one counts.
    pub(super) fn add_dependency(&mut self, parent: NameId, name: NameId, optional: bool) {
        let node = &mut self.names[parent];
        if let Some(&place) = node.places.get(&name) {
            node.dependencies[place].1 &= optional;
        } else {
            node.places.insert(name, node.dependencies.len());
            node.dependencies.push((name, optional));
        }
    }

    /// Adds a tree. Parts that it shares are looked at once.
    pub(super) fn add(&mut self, scope: &Scope) -> Result<(), ScopeParseError> {
        let top = self.name(scope.name());
        self.add_top(top, scope.is_optional());
        let mut seen = std::collections::HashSet::new();
        let mut open = vec![(top, scope, 0)];
        while let Some((parent, scope, depth)) = open.pop() {
            let dependencies = scope.dependencies();
            if dependencies.is_empty() || !seen.insert((parent, dependencies.as_ptr())) {
                continue;
            }
            if depth == MAX_DEPTH {
                return Err(too_deep());
            }
            for dependency in dependencies {
                let name = self.name(dependency.name());
                self.add_dependency(parent, name, dependency.is_optional());
            }
            for dependency in dependencies.iter().rev() {
                open.push((self.name(dependency.name()), dependency, depth + 1));
            }
        }
        Ok(())
    }

    /// Puts the names in order, at every level.
    pub(super) fn sort(&mut self) {
        let names: Vec<Arc<str>> = self.names.iter().map(|node| Arc::clone(&node.name)).collect();
        self.tops.sort_by(|a, b| (&names[a.0], a.1).cmp(&(&names[b.0], b.1)));
        for node in &mut self.names {
            node.dependencies.sort_by(|a, b| names[a.0].cmp(&names[b.0]));
            // Nothing is added after sorting.
            node.places.clear();
        }
    }

    /// The trees of what is asked for.
    pub(super) fn trees(self) -> Result<Vec<Scope>, ScopeParseError> {
        let mut built: Vec<Option<Built>> = Vec::new();
        built.resize_with(self.names.len(), || None);
        for &(top, _) in &self.tops {
            self.build(top, &mut built)?;
        }
        let mut length = 0_usize;
        let mut trees = Vec::with_capacity(self.tops.len());
        for &(top, optional) in &self.tops {
            if let Some(done) = &built[top] {
                length = length.saturating_add(done.length + 2);
                trees.push(self.scope(top, optional, done));
            }
        }
        if length > MAX_EXPANDED {
            return Err(ScopeParseError::new(
                ScopeErrorKind::TooLarge,
                format!("the scopes with all their dependencies are longer than {MAX_EXPANDED} bytes"),
            ));
        }
        Ok(trees)
    }

    fn scope(&self, name: NameId, optional: bool, built: &Built) -> Scope {
        Scope::shared(Arc::clone(&self.names[name].name), optional, built.dependencies.clone())
    }

    /// Builds what a name depends on, the deepest first, without recursion: the text may be hostile.
    fn build(&self, top: NameId, built: &mut [Option<Built>]) -> Result<(), ScopeParseError> {
        // Each open name with the place of the dependency that is looked at.
        let mut open = vec![(top, 0)];
        let mut is_open = std::collections::HashSet::from([top]);
        while let Some((name, place)) = open.last_mut() {
            let name = *name;
            if built[name].is_none()
                && let Some(&(dependency, _)) = self.names[name].dependencies.get(*place)
            {
                *place += 1;
                if built[dependency].is_some() {
                    continue;
                }
                if !is_open.insert(dependency) {
                    return Err(ScopeParseError::new(
                        ScopeErrorKind::Cycle,
                        format!("the scope {} depends on itself", shown(&self.names[dependency].name)),
                    ));
                }
                open.push((dependency, 0));
                continue;
            }
            open.pop();
            is_open.remove(&name);
            if built[name].is_none() {
                built[name] = Some(self.built(name, built)?);
            }
        }
        Ok(())
    }

    /// A name whose dependencies are built.
    fn built(&self, name: NameId, built: &[Option<Built>]) -> Result<Built, ScopeParseError> {
        let node = &self.names[name];
        let mut whole = Built { dependencies: None, length: node.name.len() + 1, depth: 0 };
        let mut dependencies = Vec::with_capacity(node.dependencies.len());
        for &(dependency, optional) in &node.dependencies {
            if let Some(done) = &built[dependency] {
                whole.length = whole.length.saturating_add(done.length).saturating_add(2);
                whole.depth = whole.depth.max(done.depth + 1);
                dependencies.push(self.scope(dependency, optional, done));
            }
        }
        if whole.depth > MAX_DEPTH {
            return Err(too_deep());
        }
        whole.dependencies = Some(dependencies.into()).filter(|all: &Arc<[_]>| !all.is_empty());
        Ok(whole)
    }
}

/// What a name stands for.
struct Built {
    dependencies: Option<Arc<[Scope]>>,
    /// How long it is in text, about.
    length: usize,
    depth: usize,
}
