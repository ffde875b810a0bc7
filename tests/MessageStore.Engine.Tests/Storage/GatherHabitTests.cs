using MessageStore.Storage;

namespace MessageStore.Tests.Storage;

public sealed class GatherHabitTests
{
    [Fact]
    public void Writers_that_come_back_are_waited_for_each_time()
    {
        var habit = new GatherHabit();
        for (int flush = 0; flush < 100; flush++)
        {
            Assert.True(habit.Try());
            habit.Learn(came: 12, expected: 16);
        }
    }

    [Fact]
    public void Writers_that_do_not_come_back_are_waited_for_ever_more_rarely_but_never_given_up()
    {
        var habit = new GatherHabit();
        var pauses = new List<int>();
        int pause = 0;
        for (int flush = 0; flush < 1000; flush++)
        {
            if (!habit.Try())
            {
                pause++;
                continue;
            }
            pauses.Add(pause);
            pause = 0;
            habit.Learn(came: 1, expected: 8);
        }
        Assert.Equal([0, 1, 3, 7, 15, 31, 63, 63], pauses.Take(8));
        Assert.Equal(GatherHabit.LongestPause, pauses.Max());
    }

    [Fact]
    public void Once_they_come_again_they_are_waited_for_each_time_again()
    {
        var habit = new GatherHabit();
        habit.Learn(came: 0, expected: 4);
        habit.Learn(came: 0, expected: 4);
        for (int flush = 0; flush < 3; flush++) Assert.False(habit.Try());
        Assert.True(habit.Try());
        habit.Learn(came: 4, expected: 4);
        Assert.True(habit.Try());
    }
}
