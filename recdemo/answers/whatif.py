"""What if …: another visitor's list beside this one's, and the fewest films whose removal drops a film. `recdemo.whatif`."""

from recdemo.answers.counterfactual import Change, RankChanges, rank_changes, unread
from recdemo.answers.drop import Drop, what_it_takes

__all__ = ["Change", "Drop", "RankChanges", "rank_changes", "unread", "what_it_takes"]
