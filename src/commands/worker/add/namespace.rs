//! The namespace that workers go to.

use anyhow::Result;

use super::Trouble;
use super::plan::Plan;
use super::prepare::Prepared;
use crate::cli::worker::WorkerAdd;
use crate::cluster::objects::Change;
use crate::commands::Context;
use crate::deploy::render;
use crate::failure::{Failure, Kind};

/// Whether it is there.
pub enum Namespace {
    /// With its Pod Security level; or it may be there: who may not see it finds out when something is put into it.
    There(Option<String>),
    Missing,
    /// A rehearsal goes on when the cluster cannot be reached; why it cannot.
    Silent(String),
}

impl Namespace {
    /// Ask the cluster.
    ///
    /// # Errors
    /// It did not say, and something is to be changed.
    pub fn look(context: &Context, args: &WorkerAdd, plan: &Plan) -> Result<Self> {
        match plan.cluster.get(&format!("namespace/{}", plan.shape.namespace), context.deadline()) {
            Ok(Some(namespace)) => Ok(Self::There(namespace["metadata"]["labels"][render::LEVEL].as_str().map(str::to_owned))),
            Err(Failure { kind: Kind::Forbidden, .. }) => Ok(Self::There(None)),
            Ok(None) => Ok(Self::Missing),
            Err(failure) if args.dry_run && failure.kind == Kind::Unreachable && !failure.lasting => {
                Ok(Self::Silent(failure.reason))
            }
            Err(failure) => Err(failure.into()),
        }
    }

    pub fn is_there(&self) -> bool {
        matches!(self, Self::There(_))
    }

    /// Whether it is known to take no privileged pods.
    pub fn forbids_privileges(&self) -> bool {
        matches!(self, Self::There(Some(level)) if matches!(level.as_str(), "baseline" | "restricted"))
    }

    /// Make it when it is not there and something goes into it.
    ///
    /// # Errors
    /// The cluster refuses it.
    pub fn ensure(&self, context: &Context, plan: &Plan, prepared: &[Result<Prepared, Trouble>]) -> Result<()> {
        if matches!(self, Self::Missing) && prepared.iter().any(Result::is_ok) {
            // Made and not applied: of one that somebody has made meanwhile, nothing is changed.
            match plan.cluster.create(&render::namespace(&plan.shape)?, Change::Made, context.deadline()) {
                Err(failure) if failure.reason.contains("already exists") => {}
                made => drop(made?),
            }
        }
        Ok(())
    }

    /// What a rehearsal says about it.
    ///
    /// # Errors
    /// As [`Self::ensure`].
    pub fn rehearse(&self, context: &Context, plan: &Plan) -> Result<Vec<String>> {
        match self {
            Self::Missing => Ok(plan.cluster.apply(&[render::namespace(&plan.shape)?], Change::DryRun, context.deadline())?),
            _ => Ok(Vec::new()),
        }
    }

    /// Why what goes into it cannot be checked, if it cannot.
    pub fn unchecked(&self, plan: &Plan) -> Option<String> {
        match self {
            Self::There(_) => None,
            Self::Missing => Some(format!("there is no namespace {} yet", plan.shape.namespace)),
            Self::Silent(reason) => Some(reason.clone()),
        }
    }
}
