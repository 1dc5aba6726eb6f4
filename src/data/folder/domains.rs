//! One folder per domain with one per class in each, and DomainBed's protocol on them (Gulrajani and Lopez-Paz, ICLR 2021).

use std::path::{Path, PathBuf};

use super::super::classes::emptied;
use super::super::corpus::{Corpus, Dataset, Groups, HeldOut};
use super::super::decode::Form;
use super::super::error::DataError;
use super::super::facts::Facts;
use super::super::split::Split;
use super::classes::{check_names, same_classes};
use super::letters::{composed, standing};
use super::listing::{Item, items};
use super::overlap::overlap;
use super::part::{Part, Trust};
use super::{channels, common_size, corpus, fault, left_out, root};
use crate::diagnostic::{Code, nearest};
use crate::lang::catalog::{Domains, Names, Reported, Selection};
use crate::lang::program::Validation;
use crate::lang::world::{ImageSizes, SourceInfo};

/// Which domain is for what.
struct Roles {
    root: PathBuf,
    /// Each with its split.
    train: Vec<Domain>,
    /// The training domain that is not trained on.
    validate: Option<Domain>,
    test: Vec<Domain>,
}

/// A domain and its split, indices into its own images.
struct Domain {
    /// Composed.
    name: String,
    part: Part,
    split: Split,
}

/// Lists and splits all domains.
///
/// # Errors
/// A domain that is not there, domains of different classes, and what a part of a folder may have.
pub fn open(source: &Domains) -> Result<Dataset, DataError> {
    let roles = Roles::read(source, Trust::Nothing)?;
    let form = Form { color: source.color, orientation: source.orientation };
    let seen = roles.seen();
    let train = grouped(&roles.root, &seen, form);
    let test_domains: Vec<&Domain> = roles.test.iter().collect();
    let whole = grouped(&roles.root, &test_domains, form);
    let reported = match source.report {
        Reported::InSplit => whole.subset(&gathered(&test_domains, |domain| &domain.split.train)),
        Reported::Full => whole.clone(),
    };
    let oracle = whole.subset(&gathered(&test_domains, |domain| &domain.split.validation));
    let held_out = roles.held_out(&seen, oracle);
    Ok(Dataset { train, test: reported, held_out: Some(held_out), protocol: roles.protocol(source) })
}

/// Counts, from the lists of files that are kept where no folder has changed.
///
/// # Errors
/// As [`open`].
pub fn facts(source: &Domains) -> Result<Facts, DataError> {
    let roles = Roles::read(source, Trust::Folders)?;
    let smallest = roles.train.iter().map(|domain| domain.split.train.len()).min().unwrap_or(0);
    let held_out = match &roles.validate {
        Some(domain) => domain.part.len(),
        None => roles.train.iter().map(|domain| domain.split.validation.len()).sum(),
    };
    let tested = |domain: &Domain| match source.report {
        Reported::InSplit => domain.split.train.len(),
        Reported::Full => domain.part.len(),
    };
    let info = SourceInfo {
        train: roles.train.iter().chain(&roles.validate).map(|domain| domain.part.len()).sum(),
        test: roles.test.iter().map(tested).sum(),
        classes: roles.test.first().map_or(0, |domain| domain.part.classes.len()),
        channels: channels(source.color),
        size: None,
        domains: roles.train.len(),
        held_out: Some(held_out),
        per_epoch: Some(smallest * roles.train.len()),
    };
    let tested: Vec<&Domain> = roles.test.iter().collect();
    Ok(Facts {
        info,
        classes: roles.names(),
        sizes: Some(roles.class_sizes()),
        test_labels: None,
        shared: overlap(&roles.root, &parts(&roles.seen()), &parts(&tested)),
    })
}

/// Whether all images have one size, by their headers.
pub fn sizes(source: &Domains) -> Result<ImageSizes, DataError> {
    let Dataset { train, test, .. } = open(source)?;
    common_size(&[&train, &test])
}

impl Roles {
    fn read(source: &Domains, trust: Trust) -> Result<Self, DataError> {
        let root = root(&source.root)?;
        let names = domain_names(&root)?;
        let listed = |written: &Option<Names>| {
            written.as_ref().map(|names| names.0.iter().map(|name| composed(name)).collect::<Vec<_>>())
        };
        let (test, train) = (listed(&source.test), listed(&source.train));
        let validate = source.validate.as_deref().map(composed);
        let mentioned = test.iter().chain(&train).flatten().chain(&validate);
        for name in mentioned {
            known(&root, &names, name)?;
        }
        let others = |taken: &[String]| names.iter().filter(|name| !taken.contains(name)).cloned().collect();
        let test: Vec<String> = test.unwrap_or_else(|| others(train.as_deref().unwrap_or_default()));
        let mut train: Vec<String> = train.unwrap_or_else(|| others(&test));
        train.retain(|name| Some(name) != validate.as_ref());
        if let Some(name) = validate.as_ref().filter(|name| test.contains(name)) {
            let message = format!("`{name}` is tested on and cannot validate");
            return Err(fault(Code::UnknownDomain, &root, "", message));
        }
        let read = |name: &String| Domain::read(&root, name, trust, source);
        let read_all = |names: &[String]| names.iter().map(read).collect::<Result<Vec<_>, _>>();
        let roles = Self {
            train: read_all(&train)?,
            validate: validate.as_ref().map(read).transpose()?,
            test: read_all(&test)?,
            root,
        };
        roles.check(&names)?;
        Ok(roles)
    }

    /// Something to train on, something to test on, the same classes everywhere.
    fn check(&self, names: &[String]) -> Result<(), DataError> {
        if self.train.is_empty() || self.test.is_empty() {
            let what = if self.train.is_empty() { "train" } else { "test" };
            let message = format!("no domain is left to {what} on; there are {}", listed(names));
            return Err(fault(Code::UnknownDomain, &self.root, "", message));
        }
        let all: Vec<&Part> =
            self.train.iter().chain(&self.validate).chain(&self.test).map(|d| &d.part).collect();
        same_classes(&self.root, &all)?;
        match self.class_sizes().iter().position(|&size| size == 0) {
            None => Ok(()),
            Some(class) => {
                let size = self.train.iter().map(|domain| domain.part.classes[class].len()).sum();
                Err(emptied("`holdout`", &self.names(), class, size))
            }
        }
    }

    /// Domains that training and selection see.
    fn seen(&self) -> Vec<&Domain> {
        self.train.iter().chain(&self.validate).collect()
    }

    fn names(&self) -> Vec<String> {
        self.test.first().map_or_else(Vec::new, |domain| domain.part.names())
    }

    /// Images of each class that train.
    fn class_sizes(&self) -> Vec<usize> {
        let mut sizes = vec![0; self.test.first().map_or(0, |domain| domain.part.classes.len())];
        for domain in &self.train {
            let labels = domain.part.labels();
            domain.split.train.iter().for_each(|&index| sizes[usize::from(labels[index as usize])] += 1);
        }
        sizes
    }

    /// What is held out of the corpus of the domains `seen` in training and selection.
    fn held_out(&self, seen: &[&Domain], oracle: Corpus) -> HeldOut {
        let mut train = Vec::new();
        let mut validation = Vec::new();
        let mut first = 0;
        for (number, domain) in seen.iter().enumerate() {
            let shifted = |indices: &[u32]| indices.iter().map(|index| index + first).collect::<Vec<u32>>();
            match (number < self.train.len(), &self.validate) {
                (false, _) => validation.extend(shifted(&domain.split.train)),
                (true, Some(_)) => train.extend(shifted(&domain.split.train)),
                (true, None) => {
                    train.extend(shifted(&domain.split.train));
                    validation.extend(shifted(&domain.split.validation));
                }
            }
            first += domain.part.len() as u32;
        }
        HeldOut { train, validation, oracle }
    }

    fn protocol(&self, source: &Domains) -> Vec<String> {
        let names = |domains: &[Domain]| {
            listed(&domains.iter().map(|domain| domain.name.clone()).collect::<Vec<_>>())
        };
        let held = source.holdout * 100.0;
        let mut lines = vec![
            format!("domains: trained on {}, tested on {}", names(&self.train), names(&self.test)),
            format!(
                "split: {held}% of each domain held out, stratified by class, trial {}; each batch has as many samples of each training domain",
                source.trial
            ),
            match (source.selection, &self.validate) {
                (Selection::TrainingDomain, _) => {
                    "selection: training_domain, on the out splits of the training domains".to_owned()
                }
                (Selection::Oracle, _) => {
                    "selection: oracle, last weights; `oracle.accuracy` on the out split of the test domain chooses among runs"
                        .to_owned()
                }
                (Selection::LeaveOneOut, validate) => {
                    let name = validate.as_ref().map_or("", |domain| &domain.name);
                    format!("selection: leave_one_out, accuracy on the in split of `{name}`, which is not trained on")
                }
            },
            match source.report {
                Reported::InSplit => "reported: in split of each test domain, mean over test domains".to_owned(),
                Reported::Full => "reported: all of each test domain, mean over test domains".to_owned(),
            },
        ];
        for domain in self.train.iter().chain(&self.validate).chain(&self.test) {
            lines.extend(left_out(domain.part.rejected(source.on_error)));
        }
        lines
    }
}

impl Domain {
    fn read(root: &Path, name: &str, trust: Trust, source: &Domains) -> Result<Self, DataError> {
        let path = standing(root, name).unwrap_or_else(|| name.to_owned());
        let part = Part::read(root, &path, trust, source.on_error)?;
        let hash = blake3::hash(name.as_bytes());
        let word = hash.as_bytes().first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
        let key = [source.trial as u64, word];
        let split = Split::drawn(&part.labels(), Validation::Fraction(source.holdout), &key);
        let split = split.map_err(|error| match error.finding() {
            Some((code, _)) => fault(code, root, &path, error.to_string()),
            None => error,
        })?;
        Ok(Self { name: name.to_owned(), part, split })
    }
}

fn parts<'d>(domains: &[&'d Domain]) -> Vec<&'d Part> {
    domains.iter().map(|domain| &domain.part).collect()
}

/// The images of domains as one corpus, each with its domain.
fn grouped(root: &Path, domains: &[&Domain], form: Form) -> Corpus {
    let parts = parts(domains);
    let of = parts.iter().enumerate().flat_map(|(group, part)| std::iter::repeat_n(group as u16, part.len()));
    let names: Vec<String> = domains.iter().map(|domain| domain.name.clone()).collect();
    let groups = Groups { names: names.into(), of: of.collect(), equal: true };
    Corpus { groups: Some(groups), ..corpus(root, &parts, form) }
}

/// One side of the split of each domain, as indices into all of them together.
fn gathered(domains: &[&Domain], side: impl Fn(&Domain) -> &Vec<u32>) -> Vec<u32> {
    let mut first = 0;
    let mut all = Vec::new();
    for domain in domains {
        all.extend(side(domain).iter().map(|index| index + first));
        first += domain.part.len() as u32;
    }
    all
}

/// Every folder below the root, composed; files beside them describe the data set.
fn domain_names(root: &Path) -> Result<Vec<String>, DataError> {
    let names: Vec<String> = items(root, "")?.into_iter().filter_map(Item::folder).collect();
    check_names(root, "", &names, "domains")?;
    let mut names: Vec<String> = names.iter().map(|name| composed(name)).collect();
    names.sort_unstable();
    Ok(names)
}

fn known(root: &Path, names: &[String], name: &str) -> Result<(), DataError> {
    if names.iter().any(|known| known == name) {
        return Ok(());
    }
    let message = format!("there is no domain `{name}`; there are {}", listed(names));
    let error = fault(Code::UnknownDomain, root, "", message);
    Err(match nearest(name, names.iter().map(String::as_str)) {
        Some(near) => error.with_help(format!("the nearest domain is `{near}`")),
        None => error,
    })
}

fn listed(names: &[String]) -> String {
    match names {
        [] => "none".into(),
        _ => names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "),
    }
}
