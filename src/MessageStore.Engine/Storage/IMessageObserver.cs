namespace MessageStore.Storage;

/// <summary>
/// Is told which slots of the index come to hold a message and which hold none any more. Called by the committer between two commits with the index's lock held, so it must be brief and
/// must not fail. A message that is moved, flagged, archived or recalled keeps its slot and is not spoken of.
/// </summary>
internal interface IMessageObserver
{
    void Added(int slot);

    void Removed(int slot);
}
