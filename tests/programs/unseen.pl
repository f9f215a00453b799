#!/usr/bin/env perl
# Runs a program that is no descendant of this one, on the same terminal, and ends as it ends: whoever looks for the sockets
# of this one's family sees none, as with a kubectl in a sandbox. When this one is killed the program is, too.
use strict;
use warnings;

pipe my $news, my $tell or die "pipe: $!";
pipe my $end, my $alive or die "pipe: $!";
my $between = fork // die "fork: $!";
if (!$between) {
	close $alive;
	# Whoever waits for the program is an orphan.
	exit if fork // die "fork: $!";
	my $program = fork // die "fork: $!";
	exec @ARGV or die "$ARGV[0]: $!" unless $program;
	syswrite $tell, "$program\n";
	$SIG{INT} = $SIG{TERM} = 'IGNORE';
	my $watcher = fork // die "fork: $!";
	if (!$watcher) {
		close $tell;
		sysread $end, my $nothing, 1;
		kill 'KILL', $program;
		exit;
	}
	waitpid $program, 0;
	syswrite $tell, ($? & 127 ? 128 + ($? & 127) : $? >> 8) . "\n";
	kill 'KILL', $watcher;
	waitpid $watcher, 0;
	exit;
}
close $tell;
waitpid $between, 0;
chomp(my $program = <$news>);
$SIG{$_} = sub { kill $_[0], $program } for qw(TERM INT HUP);
my $status = <$news> // 1;
exit $status;
