#!/usr/bin/env perl
# An application that keeps every byte that is typed into it, and shows it. While NOISE exists it writes as much as it can.
#
# usage: recorder.pl NAME KEPT NOISE
use strict;
use warnings;
use IO::Select;

my ($name, $kept, $noise) = @ARGV;
system 'stty', 'raw', '-echo';
$SIG{HUP} = 'DEFAULT';
open my $file, '>>', $kept or die "$kept: $!";
syswrite STDOUT, "I am $name\r\n";
my $input = IO::Select->new(\*STDIN);
my $line = 0;
while (1) {
	if ($input->can_read(0.02)) {
		my $count = sysread STDIN, my $typed, 4096;
		exit unless $count;
		syswrite $file, $typed;
		syswrite STDOUT, $typed;
	}
	next unless -e $noise;
	syswrite STDOUT, join '', map { "\r\nnoise " . $line++ . ' ' . 'x' x 60 } 1 .. 50;
}
