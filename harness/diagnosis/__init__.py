"""Where the gap between offline and production comes from, part by part, each with its interval.

`rows`          what goes in: columns of the holdout and of production
`influence`     eight metrics of one score column, and what each row does to each of them
`overlap`       where holdout and production overlap: covariate shift apart from concept shift
`rungs`         the metrics on every rung from the reported holdout to the dashboard
`intervals`     from influence to intervals: by unit, of contrasts, simultaneous
`ladder`        the steps between the rungs; they add up to the gap
`shapley`       the same toggles in all orders
`classifier`    the only place that fits a model
`domain`        how far holdout and production can be told apart, and the weights that follow
`drift`         a column then and now: seven statistics, missing cells counted, PSI against its own null
`label_shift`   whether only the share of positives moved
`calibration`   are the probabilities right, and what wrong ones cost
`recalibrators` maps that put them right, and the threshold that means the same
`thresholds`    precision against recall, cost, review capacity, why fewer rows are flagged
`delays`        how late labels come; what rows without a label can say
`leakage`       what the holdout knew that production does not
`slices`        mix and within by segment; the worst slices, found on one half and confirmed on the other
`concept`       where the label given the features changed, with the holdout as the control
`remedies`      what a remedy gives back, paired and by unit, what it does to the queue, which comes first
`fixes`         the remedies themselves: maps, features, other models, labels; `rethresholding`, `retraining`
`unlabelled`    an estimate for days without labels, and what must hold for it
`patterns`      likely causes from eight numbers; the usual causes with their checks
`config`        what a scenario says of a diagnosis
`material`      the columns that a whole diagnosis looks at
`fair`          which rows of the holdout are fair to evaluate on
`exhibits`      the evidence on each question, as records
`remedying`     every remedy replayed
`terms`         the names of metrics and steps; `summary` the diagnosis in a few sentences
`sampled`       what of it counts the captured requests and not their traffic
`diagnosing`    all of it put together

What each part means, and what breaks it, is in docs/diagnosis.md and docs/diagnosis-parts.md.
"""

from harness.diagnosis.config import DiagnosisConfig

__all__ = ["DiagnosisConfig"]
