"""Frames and explanations to plotly figures: one file per subject. No streamlit here."""
