import CTKCommand
