"""The reference service with defects that only a burst or a long run brings to light."""
