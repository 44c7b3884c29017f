"""The evidence on each question, as records that a report can print.

`numbers`      how numbers and tables of the room become records
`gaps`         the ladder and the Shapley shares of each metric
`leakage`      what the holdout knew that production does not
`shift`        other rows: a classifier that tells them apart, and each column
`concept`      where the same features have other labels now
`segments`     another mix, or worse within; the worst slices
`skew`         features and scores that differ from the offline ones
`threshold`    what the threshold does, what reviewers get, why more or fewer rows are flagged
`calibration`  whether the probabilities are right
`labels`       how late, how complete, how alike the labels are; the trap of early ones
`unlabelled`   the days whose labels have not come
`causes`       the eight usual causes
"""
