using MessageStore.Storage;

namespace MessageStore.Searching;

/// <summary>A message that may answer a question.</summary>
/// <param name="IsHit">Whether the index says that it has the words. Otherwise the index does not know the message, and reading it tells.</param>
internal readonly record struct SearchCandidate(IndexEntry Entry, bool IsHit);
