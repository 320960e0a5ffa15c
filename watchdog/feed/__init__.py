"""What the provider speaks: the SignalR hub protocol and the documented messages, without any I/O."""
