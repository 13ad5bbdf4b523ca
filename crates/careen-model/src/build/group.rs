//! What a step that installs packages of a language brings: a finer grouping of one phase.

use std::fmt;

/// A group of packages that people ask the time of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PackageGroup {
    PyTorch,
    Jax,
    Vision,
    Jupyter,
    /// All other packages.
    Dependencies,
}

/// The groups of one step, in the order of [`PackageGroup::ALL`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PackageGroups(u8);

impl PackageGroup {
    pub const ALL: [PackageGroup; 5] = [
        PackageGroup::PyTorch,
        PackageGroup::Jax,
        PackageGroup::Vision,
        PackageGroup::Jupyter,
        PackageGroup::Dependencies,
    ];

    pub fn name(self) -> &'static str {
        match self {
            PackageGroup::PyTorch => "PyTorch",
            PackageGroup::Jax => "JAX",
            PackageGroup::Vision => "computer vision",
            PackageGroup::Jupyter => "Jupyter",
            PackageGroup::Dependencies => "dependencies",
        }
    }

    fn bit(self) -> u8 {
        1 << self as u8
    }
}

impl PackageGroups {
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub fn has(self, group: PackageGroup) -> bool {
        self.0 & group.bit() != 0
    }

    #[must_use]
    pub fn with(self, group: PackageGroup) -> PackageGroups {
        PackageGroups(self.0 | group.bit())
    }

    #[must_use]
    pub fn and(self, other: PackageGroups) -> PackageGroups {
        PackageGroups(self.0 | other.0)
    }

    /// Something finer than "some packages" is known.
    pub fn is_special(self) -> bool {
        self.0 & !PackageGroup::Dependencies.bit() != 0
    }

    /// What is not known better is a dependency.
    #[must_use]
    pub fn or_dependencies(self) -> PackageGroups {
        if self.is_empty() { self.with(PackageGroup::Dependencies) } else { self }
    }

    /// The groups that [`PackageGroups`] shows so.
    pub fn named(name: &str) -> Option<PackageGroups> {
        name.split(" + ").try_fold(PackageGroups::default(), |groups, part| {
            let known = PackageGroup::ALL.into_iter().find(|group| group.name() == part)?;
            Some(groups.with(known))
        })
    }
}

impl FromIterator<PackageGroup> for PackageGroups {
    fn from_iter<I: IntoIterator<Item = PackageGroup>>(groups: I) -> PackageGroups {
        groups.into_iter().fold(PackageGroups::default(), PackageGroups::with)
    }
}

/// `PyTorch + JAX`.
impl fmt::Display for PackageGroups {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut is_first = true;
        for group in PackageGroup::ALL.into_iter().filter(|group| self.has(*group)) {
            if !std::mem::take(&mut is_first) {
                f.write_str(" + ")?;
            }
            f.write_str(group.name())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_named_and_named_back() {
        for bits in 1..1 << PackageGroup::ALL.len() {
            let groups = PackageGroups(bits);
            assert_eq!(PackageGroups::named(&groups.to_string()), Some(groups));
        }
        let two: PackageGroups = [PackageGroup::Jax, PackageGroup::PyTorch].into_iter().collect();
        assert_eq!(two.to_string(), "PyTorch + JAX");
        assert!(two.is_special() && !PackageGroups::default().or_dependencies().is_special());
        assert_eq!((PackageGroups::named(""), PackageGroups::named("PyTorch + x")), (None, None));
    }
}
