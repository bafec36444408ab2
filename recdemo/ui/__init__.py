"""The only part of the core that imports streamlit: one frame, one state, one link, shared pieces."""
