"""Where the gap between offline and production comes from: its parts, each a pure function of plain arrays.

`drift`         a column then and now: seven statistics, missing cells counted, PSI against its own null
`label_shift`   whether only the share of positives moved
`calibration`   are the probabilities right, and what wrong ones cost
`recalibrators` maps that put them right, and the threshold that means the same
`thresholds`    precision against recall, cost, review capacity, why fewer rows are flagged
`delays`        how late labels come; what rows without a label can say
`leakage`       what the holdout knew that production does not
`slices`        mix and within by segment; the worst slices, found on one half and confirmed on the other
`unlabelled`    an estimate for days without labels, and what must hold for it
`patterns`      likely causes from eight numbers; the usual causes with their checks
"""
