//! Which consents meet a scope with all that it depends on.

use std::collections::{HashMap, HashSet};

use globus_core::Scope;

use super::ConsentForest;

/// A scope that is the same wherever it is shared: name and dependencies, not the mark. A tree that shares its parts can
/// be far greater than what it takes in memory, so each part is judged once.
type Part<'s> = (&'s str, *const Scope, usize);

fn part(scope: &Scope) -> Part<'_> {
    (scope.name(), scope.dependencies().as_ptr(), scope.dependencies().len())
}

/// The judgement of a forest over scopes, remembered by their parts.
pub(super) struct Requirements<'f, 's> {
    forest: &'f ConsentForest,
    of_name: HashMap<&'f str, Vec<i64>>,
    roots: HashSet<i64>,
    meeting: HashMap<Part<'s>, HashSet<i64>>,
}

impl<'f, 's> Requirements<'f, 's> {
    pub(super) fn of(forest: &'f ConsentForest) -> Self {
        let mut of_name: HashMap<&str, Vec<i64>> = HashMap::new();
        for id in forest.edges().keys() {
            if let Some(consent) = forest.get_node(*id) {
                of_name.entry(&consent.scope_name).or_default().push(*id);
            }
        }
        let roots = forest.trees().map(|tree| tree.root().id).collect();
        Self { forest, of_name, roots, meeting: HashMap::new() }
    }

    /// Whether some tree meets the scope.
    pub(super) fn is_met(&mut self, scope: &'s Scope) -> bool {
        self.judge(scope);
        self.meeting.get(&part(scope)).is_some_and(|meeting| !meeting.is_disjoint(&self.roots))
    }

    /// Whether what stands from this consent downwards meets the scope.
    pub(super) fn is_met_by(&mut self, scope: &'s Scope, id: i64) -> bool {
        self.judge(scope);
        self.meeting.get(&part(scope)).is_some_and(|meeting| meeting.contains(&id))
    }

    /// The ids of the consents for a scope of this name, wherever they stand.
    pub(super) fn of_name(&self, name: &str) -> &[i64] {
        self.of_name.get(name).map_or(&[], Vec::as_slice)
    }

    pub(super) fn children(&self, id: i64) -> impl Iterator<Item = i64> + use<'f> {
        self.forest.children(id).map(|child| child.id)
    }

    pub(super) fn is_root(&self, id: i64) -> bool {
        self.roots.contains(&id)
    }

    /// Finds the consents that meet a scope, the deepest dependencies first. Without recursion: scopes may be deep.
    fn judge(&mut self, scope: &'s Scope) {
        let mut open = vec![(scope, 0)];
        while let Some((scope, place)) = open.last_mut() {
            let scope: &'s Scope = scope;
            if !self.meeting.contains_key(&part(scope)) {
                if let Some(dependency) = scope.dependencies().get(*place) {
                    *place += 1;
                    open.push((dependency, 0));
                    continue;
                }
                let meeting = self.meeting_with_dependencies_known(scope);
                self.meeting.insert(part(scope), meeting);
            }
            open.pop();
        }
    }

    fn meeting_with_dependencies_known(&self, scope: &Scope) -> HashSet<i64> {
        let is_below = |id: &i64, dependency: &Scope| {
            let children = self.forest.edges().get(id);
            let meeting = self.meeting.get(&part(dependency));
            children.into_iter().flatten().any(|child| meeting.is_some_and(|ids| ids.contains(child)))
        };
        let ids = self.of_name(scope.name()).iter().copied();
        ids.filter(|id| scope.dependencies().iter().all(|dependency| is_below(id, dependency))).collect()
    }
}
