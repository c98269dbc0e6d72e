use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};

use globus_core::scope::ScopeParseError;
use globus_core::{Scope, Scopes};

use super::missing::missing;
use super::requirement::Requirements;
use super::{Consent, ConsentError, MissingConsent};

/// The consents of an identity, as trees.
///
/// Whether consents are approved, whose they are and which client they are for counts for nothing here: ask for the
/// consents of one client only, or leave out what does not count.
///
/// ```
/// # use globus_sdk::auth::consents::{Consent, ConsentForest};
/// # use serde_json::json;
/// # fn consent(id: i64, path: &[i64], scope: &str) -> Consent {
/// #     let time = "2025-02-03T04:05:06Z";
/// #     Consent::from_json(&json!({
/// #         "id": id, "dependency_path": path, "scope_name": scope, "client": "c", "scope": "s",
/// #         "effective_identity": "i", "created": time, "updated": time, "last_used": null, "status": "approved",
/// #         "allows_refresh": false, "auto_approved": false, "atomically_revocable": false,
/// #     })).unwrap()
/// # }
/// // A consent for `transfer`, and below it one for `data_access`.
/// let forest =
///     ConsentForest::from_consents([consent(1, &[1], "transfer"), consent(2, &[1, 2], "data_access")])?;
/// assert!(forest.meets_scope_requirements("transfer[data_access]").unwrap());
/// assert!(!forest.meets_scope_requirements("data_access").unwrap());
///
/// let needed = [globus_sdk::Scope::parse("transfer[https]").unwrap()];
/// assert_eq!(
///     forest.missing(&needed)[0].to_string(),
///     "missing: transfer > https because there is a consent for transfer, but none for https below it",
/// );
/// # Ok::<(), globus_sdk::auth::consents::ConsentError>(())
/// ```
#[derive(Debug, Clone)]
pub struct ConsentForest {
    nodes: Vec<Consent>,
    /// Where the consent of an id stands among the nodes: the last one of that id.
    places: HashMap<i64, usize>,
    edges: BTreeMap<i64, BTreeSet<i64>>,
}

impl ConsentForest {
    /// Makes trees of consents, in whatever order they come. Of several with one id the last one counts.
    ///
    /// # Errors
    ///
    /// [`NoParent`](ConsentError::NoParent) where a consent stands below one that is not among them.
    pub fn from_consents(consents: impl IntoIterator<Item = Consent>) -> Result<Self, ConsentError> {
        let nodes: Vec<Consent> = consents.into_iter().collect();
        let places = nodes.iter().enumerate().map(|(place, node)| (node.id, place)).collect();
        let mut edges: BTreeMap<i64, BTreeSet<i64>> =
            nodes.iter().map(|node| (node.id, BTreeSet::new())).collect();
        let orphan = nodes.iter().find_map(|node| {
            let parent = node.parent()?;
            match edges.get_mut(&parent) {
                Some(children) => {
                    children.insert(node.id);
                    None
                }
                None => Some((node.id, parent)),
            }
        });
        match orphan {
            Some((id, parent)) => Err(ConsentError::NoParent { id, parent, consents: nodes }),
            None => Ok(Self { nodes, places, edges }),
        }
    }

    /// All consents, in the order in which they came.
    pub fn nodes(&self) -> &[Consent] {
        &self.nodes
    }

    /// The consent of this id.
    pub fn get_node(&self, id: i64) -> Option<&Consent> {
        self.places.get(&id).map(|place| &self.nodes[*place])
    }

    /// For each consent's id the ids of those that stand directly below it.
    pub fn edges(&self) -> &BTreeMap<i64, BTreeSet<i64>> {
        &self.edges
    }

    /// The consents that stand directly below this one.
    pub fn children(&self, id: i64) -> impl Iterator<Item = &Consent> {
        self.edges.get(&id).into_iter().flatten().filter_map(|child| self.get_node(*child))
    }

    /// The trees, in the order in which their roots came. A consent that no root leads to is in none.
    pub fn trees(&self) -> impl Iterator<Item = ConsentTree<'_>> {
        let roots = self.nodes.iter().filter(|node| node.is_root());
        roots.filter_map(|node| Some(ConsentTree { forest: self, root: self.get_node(node.id)? }))
    }

    /// Whether the consents are enough for these scopes, read as one text. Each must be met, with all that it
    /// depends on, by one single tree; the mark of optional scopes counts for nothing. Without scopes they are.
    ///
    /// Read as one text, scopes of the same name become one with the dependencies of both. To have each of a list
    /// met by itself, use [`meets`](Self::meets).
    ///
    /// # Errors
    ///
    /// When the text cannot be read; see [`ScopeErrorKind`](globus_core::scope::ScopeErrorKind).
    pub fn meets_scope_requirements(&self, scopes: impl Into<Scopes>) -> Result<bool, ScopeParseError> {
        Ok(self.meets(&scopes.into().parse()?))
    }

    /// Whether each of these scopes, with all that it depends on, is met by some single tree.
    pub fn meets(&self, scopes: &[Scope]) -> bool {
        let mut requirements = Requirements::of(self);
        scopes.iter().all(|scope| requirements.is_met(scope))
    }

    /// What is missing to meet these scopes, and why; empty where they are [met](Self::meets).
    ///
    /// To get what is missing, have the user log in with the [requirement](MissingConsent::requirement) as a scope.
    pub fn missing(&self, scopes: &[Scope]) -> Vec<MissingConsent> {
        missing(self, scopes)
    }
}

/// One tree of a [`ConsentForest`]: a root, and what stands below it.
#[derive(Debug, Clone, Copy)]
pub struct ConsentTree<'f> {
    forest: &'f ConsentForest,
    root: &'f Consent,
}

impl<'f> ConsentTree<'f> {
    /// The consent at the root.
    pub fn root(&self) -> &'f Consent {
        self.root
    }

    /// All consents of the tree, the root first, level by level.
    pub fn nodes(&self) -> Vec<&'f Consent> {
        let mut nodes = Vec::new();
        let (mut seen, mut open) = (HashSet::from([self.root.id]), VecDeque::from([self.root]));
        while let Some(node) = open.pop_front() {
            nodes.push(node);
            open.extend(self.forest.children(node.id).filter(|child| seen.insert(child.id)));
        }
        nodes
    }

    /// How many levels the tree has. A root alone has one.
    pub fn max_depth(&self) -> usize {
        // Without recursion: paths from outside may be of any length, and where ids occur twice may even lead in
        // circles. A way back counts for nothing.
        let children = |id: i64| self.forest.edges.get(&id).into_iter().flatten();
        let mut done: HashMap<i64, usize> = HashMap::new();
        let mut entered = HashSet::from([self.root.id]);
        let mut open = vec![(self.root.id, children(self.root.id), 1)];
        let mut deepest = 1;
        while let Some((id, unseen, levels)) = open.last_mut() {
            let Some(child) = unseen.next() else {
                deepest = *levels;
                done.insert(*id, deepest);
                open.pop();
                if let Some((_, _, levels)) = open.last_mut() {
                    *levels = (*levels).max(deepest + 1);
                }
                continue;
            };
            if let Some(below) = done.get(child) {
                *levels = (*levels).max(below + 1);
            } else if entered.insert(*child) {
                open.push((*child, children(*child), 1));
            }
        }
        deepest
    }

    /// Whether this tree alone is enough for a scope and all that it depends on.
    pub fn meets(&self, scope: &Scope) -> bool {
        Requirements::of(self.forest).is_met_by(scope, self.root.id)
    }
}
