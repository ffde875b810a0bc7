namespace MessageStore.Tests.Support;

/// <summary>A test that is skipped, saying why, where the corpus is missing (xunit 2 cannot skip from inside a test).</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class CorpusFactAttribute : FactAttribute
{
    public CorpusFactAttribute()
    {
        if (!Corpus.IsThere) Skip = "The corpus ham.mbox.gz is not there; set MESSAGESTORE_CORPUS to its folder.";
    }

    /// <summary>Whether the test also needs <c>python3</c>.</summary>
    public bool NeedsPython
    {
        get => field;
        set
        {
            field = value;
            if (value && !Python.IsThere) Skip ??= "There is no python3 on the PATH.";
        }
    }
}
