"""Where the gap between offline and production comes from, part by part, each with its interval.

`rows`        what goes in: columns of the holdout and of production
`influence`   eight metrics of one score column, and what each row does to each of them
`overlap`     where holdout and production overlap: covariate shift apart from concept shift
`rungs`       the metrics on every rung from the reported holdout to the dashboard
`intervals`   from influence to intervals: by unit, of contrasts, simultaneous
`ladder`      the steps between the rungs; they add up to the gap
`shapley`     the same toggles in all orders
`classifier`  the only place that fits a model
`domain`      how far holdout and production can be told apart, and the weights that follow

What each part means, and what breaks it, is in docs/diagnosis.md.
"""
