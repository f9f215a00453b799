//! What runs inside a window: the attachment to a remote session.
