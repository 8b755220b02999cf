//! How trends are shown, as far as it decides what is computed.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Values on a map of the world.
const COUNTRIES: usize = 250;

/// Member `display`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[allow(missing_docs, reason = "they are PostHog's names of charts")]
pub enum Display {
    #[default]
    ActionsLineGraph,
    ActionsLineGraphCumulative,
    ActionsAreaGraph,
    ActionsBar,
    ActionsUnstackedBar,
    ActionsStackedBar,
    BoldNumber,
    ActionsPie,
    ActionsBarValue,
    ActionsTable,
    WorldMap,
}

impl Display {
    /// Whether there is one value for the whole range.
    pub(super) const fn is_total(self) -> bool {
        matches!(
            self,
            Self::BoldNumber
                | Self::ActionsPie
                | Self::ActionsBarValue
                | Self::ActionsTable
                | Self::WorldMap
        )
    }

    /// Whether values add up from the start of the range.
    pub(super) fn is_cumulative(self) -> bool {
        self == Self::ActionsLineGraphCumulative
    }

    /// How many values a breakdown has here, whatever is asked for.
    pub(super) fn breakdown_limit(self) -> Option<usize> {
        (self == Self::WorldMap).then_some(COUNTRIES)
    }
}
