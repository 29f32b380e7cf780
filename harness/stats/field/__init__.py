"""What segments of audio gave, made into the figures of a field record. Pure: arrays and dataclasses, no I/O.

One call makes a variant's row, of one segment after the other, so that memory does not grow with the plan:

    row = field_figures(FieldVariant(id, title, labels, model, firmware, route), segments, threshold=200)

`segments` is any iterable of `inputs.SegmentHeard`, in the order of the plan. All other modules answer one
question each, from the finished record: `rates`, `breakdowns`, `det`, `comparing`.
"""
